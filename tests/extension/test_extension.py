"""A stranger adds one of each kind in single files of a directory, and nothing else is touched.

The files are in mine/: a modality with its net, a problem, a reader, an optimizer, a schedule, a
text metric, a hyperparameter and a model. They are trained beside a built-in problem, resumed,
decoded, exported and loaded, by the commands that users have.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import t2t_mm
from t2t_mm import registry
from t2t_mm.runs.names import named_variables
from tests import commands

ROOT = Path(__file__).parents[2]
MINE = Path(__file__).with_name("mine")
TINY = (
    "hidden_size=16,num_heads=2,encoder_blocks=1,mixer_blocks=1,decoder_blocks=1,moe_experts=4,"
    "moe_k=2,moe_hidden=16,batch_size=128,optimizer=gentle_lion,schedule=triangle,damping=0.75"
)


def run(*args):
    """Runs a command of ours; fails the test if it fails."""
    line = [sys.executable, *map(str, args), f"--t2t_usr_dir={MINE}"]
    done = commands.run(line, cwd=ROOT, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def train(place, problems, steps, *more):
    return run(
        "t2t_mm_trainer.py",
        f"--problems={problems}",
        "--model=damped",
        f"--hparams={TINY}",
        f"--train_steps={steps}",
        "--decode_examples=4",
        "--eval_steps=1",
        f"--raw_dir={place}/raw",
        f"--data_dir={place}/data",
        f"--output_dir={place}/run",
        "--generate_data",
        *more,
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory, trained_data):
    """A directory with raw data of our own, beside prepared data of the mini world."""
    place = tmp_path_factory.mktemp("mine")
    (place / "data").symlink_to(trained_data)
    (place / "raw/tides").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for split, count in (("train", 60), ("validation", 10), ("test", 10)):
        lines = []
        for _ in range(count):
            slope, length = rng.choice([-1, 1]), rng.integers(4, 12)
            levels = slope * np.arange(length)[:, None] + rng.normal(size=[length, 2])
            told = " ".join(",".join(f"{level:.3f}" for level in row) for row in levels)
            lines.append(f"the water {'rises' if slope > 0 else 'falls'}\t{told}\n")
        (place / f"raw/tides/{split}.txt").write_text("".join(lines))
    return place


@pytest.fixture(scope="module")
def trained_output(place):
    """What training printed: six steps, then six more of a resumed run."""
    first = train(place, "tides:2+mini_ende:1", 6, "--mode=train")
    return first, train(place, "tides:2+mini_ende:1", 12)


@pytest.fixture(scope="module")
def model(place, trained_output):
    registry.load_directory(str(MINE))
    return t2t_mm.load(place / "run")


LEVELS = [[0.0, 0.5], [1.0, 1.5], [2.0, 2.5], [3.0, 3.5], [4.0, 4.5]]


def test_all_are_trained_together_and_resumed(place, trained_output):
    first, second = trained_output
    assert "tides" in first and "mini_ende" in first and "Resuming" not in first
    assert "Resuming from the checkpoint of step 6" in second
    kept = json.loads((place / "run/hparams.json").read_text())
    assert (kept["optimizer"], kept["schedule"], kept["damping"]) == (
        "gentle_lion",
        "triangle",
        0.75,
    )
    metrics = json.loads((place / "run/metrics_validation.json").read_text())
    assert metrics["step"] == 12
    assert {"log_perplexity", "accuracy", "words_right"} <= set(metrics["problems"]["tides"])


def test_the_model_answers_and_has_its_own_field(model):
    assert model.hparams.damping == 0.75
    answer = model.predict("tides", np.array(LEVELS))
    assert set(answer["outputs"].split()) <= {"the", "water", "rises", "falls", "<unk>"}
    assert "error" in model.predict("tides", np.zeros([3]))


def test_a_resumed_run_has_the_weights_of_the_net_of_stock_layers(model):
    names = [name for name in named_variables(model.model) if "gauges" in name]
    assert len(names) == 4 and len(set(names)) == 4


def test_the_decoder_takes_files_of_our_own(place, model):
    np.save(place / "levels.npy", np.array(LEVELS))
    (place / "in.txt").write_text(f"{place}/levels.npy\n")
    out = run(
        "-m",
        "t2t_mm.cli.decoder",
        f"--output_dir={place}/run",
        "--problem=tides",
        f"--decode_from_file={place}/in.txt",
    )
    assert out.strip() == model.predict("tides", np.array(LEVELS))["outputs"]


def test_a_split_is_scored_by_our_own_metric(place, trained_output):
    line = [
        sys.executable,
        "-m",
        "t2t_mm.cli.decoder",
        f"--output_dir={place}/run",
        "--problem=tides",
        "--split=test",
        f"--data_dir={place}/data",
        f"--t2t_usr_dir={MINE}",
    ]
    done = commands.run(line, cwd=ROOT)
    assert done.returncode == 0 and "words_right" in done.stderr, done.stderr


def test_an_export_answers_as_the_model_does(place, model):
    run(
        "-m",
        "t2t_mm.cli.exporter",
        f"--output_dir={place}/run",
        f"--export_dir={place}/export",
        "--problems=tides",
    )
    served = t2t_mm.load(place / "export")
    ours = model.predict("tides", np.array(LEVELS))
    theirs = served.predict("tides", np.array(LEVELS))
    assert theirs["outputs"] == ours["outputs"]
    assert theirs["score"] == pytest.approx(ours["score"], abs=1e-4)


def test_all_are_listed(capsys):
    listed = run("t2t_mm_trainer.py", "--registry_help")
    for name in ("gauges", "tides", "level_files", "gentle_lion", "triangle", "words_right"):
        assert f"\n  {name} " in listed, name
    assert "damped" in listed
