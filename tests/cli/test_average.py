"""The command t2t-mm-average: the mean of a run's last checkpoints, as a run of its own."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

from t2t_mm.training.averaging import model_weights
from t2t_mm.training.checkpoints import found


@pytest.fixture
def run(trained, trained_data, tmp_path):
    """A copy of a run, trained for two steps more: {step: path of its checkpoint}."""
    from t2t_mm import hparams_io, prepare, registry
    from t2t_mm.training.console import Silent
    from t2t_mm.training.trainer import Trainer

    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    hparams = hparams_io.load(folder)
    names = ("mini_ende", "mini_parse", "mini_imagenet", "mini_speech")
    problems = prepare.resolve([registry.problem(name).configure(hparams) for name in names], trained_data, hparams)
    Trainer(problems, hparams, folder, train_steps=4, save_every=1, console=Silent()).train()
    return folder


def command(*args):
    line = [sys.executable, "-m", "t2t_mm.cli.average", *map(str, args)]
    return subprocess.run(line, capture_output=True, text=True, timeout=300)


def test_the_mean_is_a_run_of_its_own(run, tmp_path):
    import t2t_mm

    done = command(f"--output_dir={run}", f"--average_dir={tmp_path / 'mean'}", "--checkpoints=2")
    assert "the mean of the weights after 3, 4 steps" in done.stdout, done.stderr
    old, new = map(model_weights, found(run / "checkpoints")[-2:])
    (path,) = found(tmp_path / "mean" / "checkpoints")
    mean = model_weights(path)
    assert set(mean) == set(new)
    changed = 0
    for name, value in mean.items():
        if value.dtype.kind == "f":
            np.testing.assert_allclose(value, (old[name] + new[name]) / 2, atol=1e-6)
            changed += not np.array_equal(old[name], new[name])
    assert changed > 10
    model = t2t_mm.load(tmp_path / "mean")
    assert model.step == 4 and "outputs" in model.predict("mini_ende", "I see two red rings.", longest=5)


@pytest.mark.parametrize("output, average, count, told", [
    ("", "mean", 1, "Give --output_dir: Of the training run."),
    ("{empty}", "mean", 1, "There is no checkpoint in"),
    ("{trained}", "{trained}", 1, "give another --average_dir"),
    ("{trained}", "{empty}", 5, "has 1 checkpoints, not 5"),
])
def test_mistakes(trained, tmp_path, output, average, count, told):
    names = {"trained": trained, "empty": tmp_path}
    done = command(f"--output_dir={output.format(**names)}", f"--average_dir={average.format(**names)}",
                   f"--checkpoints={count}")
    assert done.returncode == 1 and told in done.stderr and done.stderr.count("\n") == 1
