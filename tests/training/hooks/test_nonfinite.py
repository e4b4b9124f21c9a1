"""What becomes of a run whose loss is not finite."""

import numpy as np
import pytest

from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.reporting.console import Silent
from t2t_mm.runs.names import named_variables
from t2t_mm.runs.paths import latest
from t2t_mm.training.trainer import Trainer
from tests.simplest import simplest
from tests.toys import TINY, Toy


def simple(output_dir, console=None, **options):
    """One of the simplest model on one problem."""
    config = RunConfig(model=simplest(), eval_every=0, **options)
    return Trainer([Toy()], TINY, config, output_dir, console=console or Silent())


def weights(of):
    return {name: v.numpy().copy() for name, v in named_variables(of.model).items()}


def test_a_loss_that_is_not_finite_stops_and_saves_nothing(tmp_path):
    broken = simple(tmp_path, train_steps=30, save_every=2)
    broken.train(2)
    table = broken.model.variables_of("toy_copy")[0]
    table.assign(np.full(table.shape, np.nan))
    before = weights(broken)
    with pytest.raises(
        UserError, match="toy_copy is nan .*at step 3.*nonfinite-3-toy_copy.npz.*--skip_nonfinite"
    ):
        broken.train()
    assert latest(tmp_path / "checkpoints").endswith("ckpt-2")
    batch = np.load(tmp_path / "nonfinite-3-toy_copy.npz")
    assert set(batch) == {"inputs", "inputs_mask", "targets", "targets_mask"}
    for name, value in weights(broken).items():
        if "seed" not in name:
            np.testing.assert_array_equal(value, before[name])


def test_steps_that_are_not_finite_can_be_skipped():
    logged, console = [], Silent()
    console.log = logged.append
    one = simple(None, console=console, train_steps=5, skip_nonfinite=True)
    table = one.model.variables_of("toy_copy")[0]
    whole = table.numpy().copy()
    one.train(2)
    table.assign(np.full(table.shape, np.inf))
    one.train(4)
    assert [line.rpartition("; ")[2] for line in logged if "is skipped" in line] == [
        "the step is skipped (1 so far).",
        "the step is skipped (2 so far).",
    ]
    table.assign(whole)
    one.train()
    assert one.step == 5 and all(np.isfinite(value).all() for value in weights(one).values())


def test_a_loss_that_is_not_finite_is_found_late_but_before_anything_is_saved(tmp_path):
    broken = simple(tmp_path, train_steps=30, save_every=4, steps_per_execution=5)
    broken.train(4)
    table = broken.model.variables_of("toy_copy")[0]
    table.assign(np.full(table.shape, np.nan))
    with pytest.raises(UserError, match="toy_copy is nan .*at step 5.*nonfinite-5-toy_copy.npz"):
        broken.train()
    assert latest(tmp_path / "checkpoints").endswith("ckpt-4")
    with pytest.raises(
        UserError, match="--skip_nonfinite decides after each step, --steps_per_execution=5"
    ):
        simple(None, skip_nonfinite=True, steps_per_execution=5)
