"""The command t2t-mm-average: the mean of a run's last checkpoints, as a run of its own."""

import shutil
import sys

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.runs.mean import write_mean
from t2t_mm.runs.paths import found
from t2t_mm.runs.weights import read, weights
from tests import commands


@pytest.fixture
def run(trained, tmp_path):
    """A copy of a run with a second checkpoint, of step 4, in which all weights are another half as
    large."""
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    parts = {}
    for (part, name), value in read(found(folder / "checkpoints")[-1]).items():
        value = value * np.float32(1.5) if part == "model" and value.dtype.kind == "f" else value
        parts.setdefault(part, {})[name] = tf.Variable(value)
    parts["step"] = tf.Variable(4, dtype=tf.int64)
    tf.train.CheckpointManager(tf.train.Checkpoint(**parts), str(folder / "checkpoints"), 3).save(4)
    return folder


def command(*args):
    line = [sys.executable, "-m", "t2t_mm.cli.average", *map(str, args)]
    return commands.run(line)


def test_the_mean_is_a_run_of_its_own(run, tmp_path):
    import t2t_mm

    done = command(f"--output_dir={run}", f"--average_dir={tmp_path / 'mean'}", "--checkpoints=2")
    assert "the mean of the weights after 2, 4 steps" in done.stdout, done.stderr
    old, new = map(weights, found(run / "checkpoints")[-2:])
    (path,) = found(tmp_path / "mean" / "checkpoints")
    mean = weights(path)
    assert set(mean) == set(new)
    for name, value in mean.items():
        if value.dtype.kind == "f":
            np.testing.assert_allclose(value, 1.25 * old[name], rtol=1e-6)
            np.testing.assert_allclose(new[name], 1.5 * old[name], rtol=1e-6)
    model = t2t_mm.load(tmp_path / "mean")
    assert model.step == 4 and "outputs" in model.predict(
        "mini_ende", "I see two red rings.", longest=5
    )


def test_a_corrupt_checkpoint_is_left_out_and_a_net_that_came_later_is_not_made_smaller(
    run, tmp_path
):
    old, new = found(run / "checkpoints")
    parts = {"step": tf.Variable(5, dtype=tf.int64)}
    for (part, name), value in read(new).items():
        if part != "step":
            parts.setdefault(part, {})[name] = tf.Variable(value)
    parts["model"]["late"] = tf.Variable([7.0])
    (path,) = [
        tf.train.CheckpointManager(tf.train.Checkpoint(**parts), str(tmp_path / "later"), 3).save(5)
    ]
    assert write_mean([old, new, path], tmp_path / "mean") and weights(found(tmp_path / "mean")[0])[
        "late"
    ] == [7]
    (data,) = (run / "checkpoints").glob("ckpt-4.data*")
    data.write_bytes(data.read_bytes()[:1000])
    done = command(f"--output_dir={run}", f"--average_dir={tmp_path / 'mean2'}", "--checkpoints=1")
    assert "ckpt-4 is corrupt" in done.stdout and "after 2 steps" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "output, average, count, told, code",
    [
        ("", "mean", 1, "Give --output_dir: Directory of the training run.", 2),
        ("{empty}", "mean", 1, "There is no checkpoint in", 1),
        ("{trained}", "{trained}", 1, "give another --average_dir", 1),
        ("{trained}", "{empty}", 5, "has 1 intact checkpoints, not 5", 1),
    ],
)
def test_mistakes(trained, tmp_path, output, average, count, told, code):
    names = {"trained": trained, "empty": tmp_path}
    done = command(
        f"--output_dir={output.format(**names)}",
        f"--average_dir={average.format(**names)}",
        f"--checkpoints={count}",
    )
    assert done.returncode == code and told in done.stderr and done.stderr.count("\n") == 1
