"""Series in a user's table: waves that are slow or fast, in a model that learns them."""

import json

import numpy as np
import tensorflow as tf

import t2t_mm
from t2t_mm import registry
from t2t_mm.config.run import RunConfig
from t2t_mm.data import prepare
from t2t_mm.inference.explain import explain
from t2t_mm.reporting import examples, sheets
from t2t_mm.reporting.console import Silent
from t2t_mm.runs.directory import OutputDir
from t2t_mm.training.trainer import Trainer
from tests.simplest import simplest
from tests.toys import TINY

PROBLEM = '''
from t2t_mm import Categorical, Problem, Series, registry

@registry.register_problem
class Waves(Problem):
    """How fast a wave is."""
    raw_layout = "jsonl"
    input_key, target_key = "wave", "speed"
    command = "to-speed"
    inputs = Series(channels=2, rate=20, time_stride=2)
    targets = Categorical(labels="speeds")
'''
PERIODS = {"fast": 5.0, "slow": 14.0}  # steps
STEPS = 60


def wave(random, period):
    """A sinusoid and its slope, far from 0 and in other units: float32 [length, 2]."""
    angles = (random.uniform(0, 99) + np.arange(random.integers(30, 50))) * 2 * np.pi / period
    values = np.stack([1e3 + 20 * np.sin(angles), 0.01 * np.cos(angles)], axis=1)
    return (values + random.normal(size=values.shape) * [2, 1e-3]).astype(np.float32)


def write(folder, random):
    """A table of waves, some as numbers and some as files; the waves of the test split."""
    folder.mkdir(parents=True)
    waves, rows = {}, {}
    for split, count in (("train", 200), ("validation", 40), ("test", 40)):
        speeds = [list(PERIODS)[i % 2] for i in range(count)]
        waves[split] = [wave(random, PERIODS[speed]) for speed in speeds]
        rows[split] = [
            {"wave": values.tolist(), "speed": speed}
            for values, speed in zip(waves[split], speeds, strict=True)
        ]
    np.save(folder / "first.npy", waves["train"][0])
    rows["train"][0]["wave"] = "first.npy"
    rows["train"][1]["wave"] = [[1.0, None]]
    for split, each in rows.items():
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in each))
    return waves["test"], [row["speed"] for row in rows["test"]]


def test_waves_of_a_table_are_learnt(tmp_path, apart):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/waves.py").write_text(PROBLEM)
    registry.load_directory(str(tmp_path / "mine"))
    waves, speeds = write(tmp_path / "raw/waves", np.random.default_rng(0))
    said, hparams = [], TINY.replace(batch_size=512)
    problem = registry.problem("waves")
    prepare.prepare([problem], tmp_path / "data", tmp_path / "raw", log=said.append)
    assert "its wave: numbers [length, 2] are expected, not object [1, 2]" in " ".join(said)

    problems = prepare.resolve([problem], tmp_path / "data", hparams)
    config = RunConfig(train_steps=STEPS, seed=1, mode="train", model=simplest())
    Trainer(problems, hparams, config, tmp_path / "run", console=Silent()).train()
    kept = OutputDir(tmp_path / "run").recorded_problems()["waves"]["inputs"]
    np.testing.assert_allclose(kept["mean"], [1e3, 0], atol=0.5)
    np.testing.assert_allclose(kept["deviation"], [14, 0.007], rtol=0.1)

    (resolved,) = problems
    shown = examples.read(resolved, "test", 1)[0]
    steps = len(shown["inputs"])
    told = f"  inputs: {steps / 20:g} s: {steps} steps of 2 channels"
    assert examples.lines_of(resolved, shown)[0] == told
    assert (
        np.ptp(
            np.array(sheets.drawn(resolved, resolved.encode_inputs(tf.constant(shown["inputs"]))))
        )
        == 255
    )

    model = t2t_mm.load(tmp_path / "run")
    answers = model.predict("waves", waves)
    right = [answer["label"] == speed for answer, speed in zip(answers, speeds, strict=True)]
    assert np.mean(right) > 0.9
    path = tmp_path / "raw/waves/first.npy"
    for value in (path, str(path), path.read_bytes(), json.dumps(np.load(path).tolist())):
        assert model.predict("waves", value) == model.predict("waves", np.load(path))
    assert explain(model, "waves", waves[0]).inputs[:3] == ["0 s", "0.1 s", "0.2 s"]
