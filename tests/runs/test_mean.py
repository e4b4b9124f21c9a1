"""The mean of checkpoints, of weights alone."""

import numpy as np
import pytest

from t2t_mm.runs.corruption import CorruptCheckpoint
from t2t_mm.runs.mean import write_mean
from t2t_mm.runs.paths import found
from t2t_mm.runs.weights import read
from tests.runs.test_checkpoints import flip_the_last_bit, make, save, step


@pytest.fixture
def two(tmp_path):
    """The path prefixes of two checkpoints of a run."""
    model, optimizer, checkpoints = make(tmp_path)
    for number in (1, 2):
        save(checkpoints, number)
        step(model, optimizer)
    return found(tmp_path)


def test_weights_are_averaged_and_the_optimizer_is_that_of_the_last(two, tmp_path):
    first, last = map(read, two)
    path = write_mean(two, tmp_path / "mean")
    assert found(tmp_path / "mean") == [path] and path.endswith("ckpt-2")
    mean = read(path)
    assert mean.keys() == last.keys()
    for key, value in mean.items():
        wanted = (first[key] + last[key]) / 2 if key[0] == "model" else last[key]
        np.testing.assert_allclose(value, wanted, rtol=1e-6)


def test_of_the_optimizer_no_other_than_the_last_is_read(two, tmp_path):
    flip_the_last_bit(tmp_path, 1)
    write_mean(two, tmp_path / "mean")
    flip_the_last_bit(tmp_path, 2)
    with pytest.raises(CorruptCheckpoint, match="ckpt-2 is corrupt"):
        write_mean(two, tmp_path / "other")
    assert not list((tmp_path / "other").iterdir())
