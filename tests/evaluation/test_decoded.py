"""Evaluation of what a model in training puts out by itself: scores, samples, where they end up."""

import io
import json
import wave

import pytest
import tensorflow as tf

from t2t_mm import registry
from t2t_mm.config.run import RunConfig
from t2t_mm.data import prepare
from t2t_mm.evaluation import decoded
from t2t_mm.evaluation.samples import lines
from t2t_mm.reporting import hparams_page
from t2t_mm.reporting.console import Console
from t2t_mm.reporting.sheets import CELL
from t2t_mm.runs.best import Best
from t2t_mm.training.trainer import Trainer
from tests.toys import SMALL, without_work


@pytest.fixture(scope="module")
def evaluated(trained_data, tmp_path_factory):
    """Output directory, results and what was printed of a run that decodes three examples of each
    problem; it learns nothing."""
    names = ("mini_ende", "mini_parse", "mini_imagenet", "mini_speech")
    problems = prepare.resolve(
        [registry.problem(name).configure(SMALL) for name in names], trained_data, SMALL
    )
    folder, out = tmp_path_factory.mktemp("decoded"), io.StringIO()
    config = RunConfig(
        train_steps=2, decode_examples=3, keep_best="mini_ende/bleu", eval_every=2, eval_steps=1
    )
    without_work(Trainer(problems, SMALL, config, folder, console=Console(out))).train()
    best = Best("mini_ende/bleu", folder / "best.json")
    return (
        folder,
        json.loads((folder / "metrics_validation.json").read_text())["problems"],
        out.getvalue(),
        best,
    )


def test_scores_stand_beside_the_teacher_forced_ones(evaluated):
    _, metrics, told, best = evaluated
    wanted = {"mini_ende": ("bleu", "chrf"), "mini_parse": ("bracket_f1",), "mini_speech": ("wer",)}
    counts = [metrics["mini_parse"][f"bracket_f1_{name}"] for name in ("valid", "invalid")]
    assert sum(counts) == 3 and "bracket_f1_invalid" in told
    scalars = written(evaluated[0] / "tensorboard/validation", "scalars")
    assert set(written(evaluated[0] / "tensorboard/validation", "hparams")) == {hparams_page.TAG}
    assert {"bracket_f1_invalid/mini_parse", "log_perplexity/mini_parse"} <= set(scalars)
    for problem, names in wanted.items():
        assert set(names) < set(metrics[problem]) and "log_perplexity" in metrics[problem]
    assert "bleu" not in metrics["mini_imagenet"]
    header = next(line for line in told.splitlines() if "log_perplexity" in line)
    assert (
        header.split()[:4] == ["problem", "examples", "tokens", "log_perplexity"]
        and "bleu" in header.split()
    )
    assert best.value == metrics["mini_ende"]["bleu"]


def test_text_without_metrics_is_scored_by_exact_match():
    """Not by "accuracy", which is the name of a teacher-forced metric, and would take its place."""
    names = {}
    for name in ("mini_parse_rev", "mini_imagenet"):
        problem = registry.problem(name)
        assert not problem.metrics
        (score,) = decoded.scores(problem, ["a", "b"], [["a"], ["c"]])
        names[name] = score.name
        assert score.value == 50.0
    assert names == {"mini_parse_rev": "exact_match", "mini_imagenet": "accuracy"}


def test_samples_are_shown(evaluated):
    folder, _, told, _ = evaluated
    rows = told.splitlines()
    shown = rows[rows.index("mini_ende") + 1 :][:6]
    assert [line.split(":")[0] for line in shown] == ["  input", "  reference", "  output"] * 2
    spoken = rows[rows.index("mini_speech") + 1 :][:4]
    assert [line.split(":")[0] for line in spoken] == ["  reference", "  output"] * 2
    found = pictures(folder / "tensorboard/validation")
    assert set(found) == {
        "attention/mini_ende",
        "attention/mini_parse",
        "attention/mini_speech",
        "samples/mini_imagenet",
        "samples/mini_speech",
    }
    texts = written(folder / "tensorboard/validation", "text")
    assert {"decoded/mini_speech", "decoded/mini_imagenet"} <= set(texts)
    assert not set(texts) & set(found)  # a tag is shown as what it was first
    assert all(png.startswith(b"\x89PNG") for png in found.values())


def test_tensorboard_has_all_samples_that_were_asked_for_and_what_they_are_of(evaluated):
    folder, _, told, _ = evaluated
    texts = written(folder / "tensorboard/validation", "text")
    for name in ("mini_ende", "mini_imagenet", "mini_speech"):
        assert texts[f"decoded/{name}"].string_val[0].decode().count("output: ") == 3
    assert told.count("\n  output: ") == 4 * 2  # of each problem, the console has two
    png = pictures(folder / "tensorboard/validation")["samples/mini_speech"]
    assert tf.io.decode_png(png).shape[1] == 3 * (CELL + 6) + 6
    sounds = written(folder / "tensorboard/validation", "audio")
    files = sounds["sounds/mini_speech"].string_val
    assert set(sounds) == {"sounds/mini_speech"} and len(files) == 3
    for file in files:
        with wave.open(io.BytesIO(file)) as sound:
            assert sound.getnframes() > 1000
    settings = written(folder / "tensorboard/train", "text")
    assert b"keep_best" in settings["run/options"].string_val[0]
    assert b"hidden_size" in settings["run/hparams"].string_val[0]


def pictures(folder):
    """{tag: PNG} of what was written for TensorBoard."""
    return {tag: tensor.string_val[2] for tag, tensor in written(folder, "images").items()}


def written(folder, plugin):
    events = [
        event
        for file in folder.iterdir()
        for event in tf.compat.v1.train.summary_iterator(str(file))
    ]
    return {
        value.tag: value.tensor
        for event in events
        for value in event.summary.value
        if value.metadata.plugin_data.plugin_name == plugin
    }


def test_lines_of_a_sample():
    assert lines(("a", "b", "")) == ["input: a", "reference: b", "output: "]
    assert lines(("", "b", "c")) == ["reference: b", "output: c"]
