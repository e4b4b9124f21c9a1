"""Checkpoints: round trip, what is kept, and what a failed write leaves."""

import concurrent.futures
import contextlib
import functools
import resource
import threading
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.errors import UserError
from t2t_mm.execution.replicas import Replicas
from t2t_mm.runs import data_files
from t2t_mm.runs.checkpoints import Checkpoints
from t2t_mm.runs.corruption import corruption_of
from t2t_mm.runs.paths import drop, latest
from t2t_mm.runs.weights import read
from t2t_mm.training.optimizers import make_optimizer


class Model(keras.Model):
    """Weights without a forward pass."""

    def __init__(self, size=3, seed=0):
        super().__init__()
        normal = keras.initializers.RandomNormal(seed=seed)
        self.kernel = self.add_weight(shape=(size, 4), initializer=normal, name="kernel")
        self.scale = self.add_weight(shape=(4,), initializer="ones", name="scale")


def make(directory, seed=0, optimizer="adam", **arguments):
    model = Model(seed=seed, **{k: arguments.pop(k) for k in ("size",) if k in arguments})
    optimizer = make_optimizer(HParams(optimizer=optimizer), model.trainable_variables)
    return model, optimizer, Checkpoints(directory, model, optimizer, **arguments)


def save(checkpoints, step):
    checkpoints.save(step)
    checkpoints.wait()


def step(model, optimizer):
    variables = model.trainable_variables
    optimizer.apply([0.1 * v.value + 1 for v in variables], variables)


@contextlib.contextmanager
def no_file_over(size):
    """Writing more than `size` bytes to a file fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", ["adam", "adamw", "adafactor"])
def test_weights_and_moments_come_back(tmp_path, name):
    model, optimizer, checkpoints = make(tmp_path, seed=1, optimizer=name)
    for _ in range(3):
        step(model, optimizer)
    save(checkpoints, 3)
    other, other_optimizer, again = make(tmp_path, seed=2, optimizer=name)
    assert again.restore() == 3
    for _ in range(2):
        step(model, optimizer)
        step(other, other_optimizer)
    for mine, theirs in zip(model.variables, other.variables, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert int(other_optimizer.iterations) == 5


def test_nothing_to_restore(tmp_path):
    assert make(tmp_path / "none")[2].restore() is None


def test_keeps_the_newest_across_restarts(tmp_path):
    for start in (1, 3):
        _, _, checkpoints = make(tmp_path, keep=2)
        checkpoints.restore()
        for number in range(start, start + 2):
            save(checkpoints, number)
    assert sorted(p.name for p in tmp_path.glob("*.index")) == ["ckpt-3.index", "ckpt-4.index"]
    assert latest(tmp_path).endswith("ckpt-4")


def test_another_shape_is_refused_and_left_alone(tmp_path):
    save(make(tmp_path)[2], 1)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(UserError, match="does not fit"):
        make(tmp_path, size=5)[2].restore()
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_corrupt_checkpoint_is_refused(tmp_path):
    save(make(tmp_path)[2], 1)
    data = next(tmp_path.glob("*.data-*"))
    data.write_bytes(data.read_bytes()[:20])
    with pytest.raises(UserError, match="is corrupt .*no older one is intact"):
        make(tmp_path)[2].restore()


@pytest.mark.parametrize(
    "corrupt",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:40] + bytes([content[40] ^ 4]) + content[41:],
        lambda content: b"",
    ],
)
@pytest.mark.parametrize("part", ["data-00000-of-00001", "index"])
def test_a_corrupt_checkpoint_is_named_and_the_one_before_is_taken(tmp_path, corrupt, part):
    model, optimizer, checkpoints = make(tmp_path)
    save(checkpoints, 1)
    kernel = model.kernel.numpy().copy()
    step(model, optimizer)
    save(checkpoints, 2)
    path = tmp_path / f"ckpt-2.{part}"
    path.write_bytes(corrupt(path.read_bytes()))
    said = []
    other, _, again = make(tmp_path, seed=4, log=said.append)
    assert again.restore() == 1
    np.testing.assert_array_equal(other.kernel, kernel)
    assert len(said) == 1 and "ckpt-2 is corrupt" in said[0]
    save(again, 2)
    assert make(tmp_path)[2].restore() == 2


def test_a_lost_list_of_checkpoints_does_no_harm(tmp_path):
    save(make(tmp_path)[2], 7)
    (tmp_path / "checkpoint").write_text("")
    assert make(tmp_path)[2].restore() == 7


def test_a_disk_that_fills_up_leaves_the_old_checkpoint_intact(tmp_path):
    model, optimizer, checkpoints = make(tmp_path, size=5000)
    save(checkpoints, 1)
    weights = model.kernel.numpy().copy()
    before = sorted(p.name for p in tmp_path.iterdir())
    step(model, optimizer)
    with (
        no_file_over(100_000),
        pytest.raises(UserError, match="step 2 could not be written.*ckpt-1"),
    ):
        save(checkpoints, 2)
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    other, _, again = make(tmp_path, seed=5, size=5000)
    assert again.restore() == 1
    np.testing.assert_array_equal(other.kernel, weights)
    save(checkpoints, 2)  # with room again
    assert again.restore() == 2


@pytest.mark.parametrize("jit", [None, False, True])
def test_training_goes_on_while_a_checkpoint_is_written(tmp_path, jit):
    model, optimizer, checkpoints = make(tmp_path)
    kernel = model.kernel.numpy().copy()
    one_step = functools.partial(step, model, optimizer)
    if jit is not None:
        one_step = tf.function(one_step, jit_compile=jit)
    at_hand = threading.Event()
    checkpoints._writer.thread.submit(at_hand.wait)  # the writer is busy until then
    checkpoints.save(1)
    one_step()
    one_step()
    checkpoints.check()
    assert latest(tmp_path) is None
    at_hand.set()
    checkpoints.wait()
    other, _, again = make(tmp_path, seed=5)
    assert again.restore() == 1
    np.testing.assert_array_equal(other.kernel, kernel)


def test_a_write_that_failed_is_an_error_as_soon_as_it_is_asked_for(tmp_path):
    *_, checkpoints = make(tmp_path, size=5000)
    with no_file_over(100_000):
        checkpoints.save(1)
        concurrent.futures.wait([checkpoints._writer._written])
        with pytest.raises(UserError, match="step 1 could not be written"):
            checkpoints.check()
    checkpoints.check()
    save(checkpoints, 2)
    assert latest(tmp_path).endswith("ckpt-2")


def test_a_checkpoint_that_does_not_fit_is_one_line_that_names_what_differs(tmp_path):
    save(make(tmp_path)[2], 1)
    shape = r"model/kernel is of shape \[3, 4\] in it and of shape \[5, 4\] here \(and \d+ more\)"
    with pytest.raises(UserError, match=shape):
        make(tmp_path, size=5)[2].restore()
    with pytest.raises(UserError, match=r"optimizer/00002 is of shape \[3, 4\] in it"):
        make(tmp_path, optimizer="adafactor")[2].restore()


def test_a_checkpoint_cut_off_anywhere_is_corrupt(tmp_path):
    save(make(tmp_path)[2], 1)
    save(make(tmp_path)[2], 2)
    (data,) = tmp_path.glob("ckpt-2.data*")
    content = data.read_bytes()
    for size in range(0, len(content), 97):
        data.write_bytes(content[:size])
        assert corruption_of(str(tmp_path / "ckpt-2"))
        assert make(tmp_path, log=lambda line: None)[2].restore() == 1
    data.write_bytes(content)
    assert not corruption_of(str(tmp_path / "ckpt-2")) and make(tmp_path)[2].restore() == 2


def flip_the_last_bit(directory, step):
    """Corrupts what is read last."""
    (data,) = directory.glob(f"ckpt-{step}.data*")
    content = bytearray(data.read_bytes())
    content[-1] ^= 1
    data.write_bytes(content)


def test_what_a_corrupt_checkpoint_gave_is_replaced_by_the_one_before(tmp_path):
    model, optimizer, checkpoints = make(tmp_path)
    save(checkpoints, 1)
    then = [v.numpy().copy() for v in (*model.variables, *optimizer.variables)]
    step(model, optimizer)
    save(checkpoints, 2)
    flip_the_last_bit(tmp_path, 2)
    other, other_optimizer, again = make(tmp_path, seed=4, log=lambda line: None)
    assert again.restore() == 1
    again.check_not_mixed()
    for value, variable in zip(then, (*other.variables, *other_optimizer.variables), strict=True):
        np.testing.assert_array_equal(value, variable)


def test_a_state_with_values_of_a_corrupt_checkpoint_is_not_trained(tmp_path):
    save(make(tmp_path)[2], 1)
    flip_the_last_bit(tmp_path, 1)
    *_, again = make(tmp_path, seed=4)
    with pytest.raises(UserError, match="Checksum does not match"):
        again.restore()
    drop(str(tmp_path / "ckpt-1"))
    with pytest.raises(UserError, match="Remove its files, and start again"):
        again.restore()


# ---- data files


class Worker(Replicas):
    """One of several workers that take turns in this process."""

    def __init__(self, worker, workers=2):
        super().__init__()
        self.worker, self.workers, self.is_chief = worker, workers, worker == 0

    def any(self, value):
        return value


def test_each_worker_writes_its_share_and_the_chief_makes_a_checkpoint_of_them(tmp_path):
    made = [make(tmp_path, seed=3, size=500, replicas=Worker(number)) for number in (1, 0)]
    (model, _, other), (_, _, chief) = made
    chief.save(1)
    concurrent.futures.wait([chief._writer._written])
    chief.check()
    assert not latest(tmp_path)  # a share is not there
    other.save(1)
    other.wait()
    chief.check()
    assert latest(tmp_path)
    chief.wait()
    sizes = [path.stat().st_size for path in tmp_path.glob("ckpt-1.data-*-of-00002")]
    assert len(sizes) == 2 and min(sizes) > 0.3 * sum(sizes)
    assert {path.name.partition(".")[0] for path in tmp_path.iterdir()} == {"ckpt-1"}
    alone, _, again = make(tmp_path, size=500)
    assert again.restore() == 1
    np.testing.assert_array_equal(alone.kernel, model.kernel)


def test_a_share_that_a_killed_run_left_is_no_part_of_the_next_checkpoint(tmp_path):
    for number in (1, 0):  # the chief of the run before was killed first
        *_, checkpoints = make(tmp_path, replicas=Worker(number))
        checkpoints.save(1)
        concurrent.futures.wait([checkpoints._writer._written])
    checkpoints.check()
    assert not latest(tmp_path)


def test_copies_are_let_go_file_by_file(tmp_path, monkeypatch):
    monkeypatch.setattr(data_files, "SIZE", 100)
    written, write = [], data_files.write

    def watched(path, number, values, slices):
        assert not any(each() is not None for each in written)
        written.extend(weakref.ref(value) for value in values.values())
        write(path, number, values, slices)

    monkeypatch.setattr(data_files, "write", watched)
    *_, checkpoints = make(tmp_path, size=50)
    save(checkpoints, 1)
    assert (
        len(written) == len(read(str(tmp_path / "ckpt-1")))
        and len(list(tmp_path.glob("ckpt-1.data-*"))) > 2
    )
    assert make(tmp_path, size=50)[2].restore() == 1


@pytest.mark.parametrize("workers", [1, 3])
def test_every_value_is_in_one_file_and_files_are_of_bounded_size(monkeypatch, workers):
    monkeypatch.setattr(data_files, "SIZE", 100)
    sizes = {f"{number:03d}": 7 + number % 5 for number in range(200)}
    files = data_files.layout(sizes, workers)
    assert [name for _, names in files for name in names] == sorted(sizes)
    assert [worker for worker, _ in files] == sorted(worker for worker, _ in files)
    each = [sum(sizes[name] for name in names) for _, names in files]
    assert max(each) <= 100 + 11
    for number in range(workers):
        share = sum(size for (worker, _), size in zip(files, each, strict=True) if worker == number)
        assert abs(share - sum(sizes.values()) / workers) <= 11
    assert data_files.layout({"a": 0, "b": 1000}, workers)[-1][1][-1] == "b"
