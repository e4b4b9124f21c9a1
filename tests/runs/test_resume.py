"""Taking up a run: whatever its names, reading no more than is needed."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.execution.replicas import Replicas
from t2t_mm.inference.run import put_weights
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.language.spec import Language
from t2t_mm.models.multimodel import MultiModel
from t2t_mm.reporting.console import Silent
from t2t_mm.training.trainer import Trainer
from tests.runs.stock import Stock
from tests.simplest import simplest
from tests.toys import TINY, Logged, Toy, ToyClass


class Odd(Toy):
    """Names that mean something in a path or to TensorFlow, or are no ASCII."""

    command = ".to.numbers/ü..S"
    inputs = targets = Language(vocab="../de.en/v1.ü", size=12)


class OddClass(ToyClass):
    """As `Odd`, of classes."""

    command = "to first."
    targets = Categorical(labels="first/..S", num_classes=14)


def make(output, problems, hparams=TINY, console=None):
    config = RunConfig(train_steps=9, seed=1)
    one = Trainer(problems, hparams, config, output, console=console or Silent())
    one.resume()
    return one


def saved(output, problems, hparams=TINY, step=1):
    """A run that has left a checkpoint, without the minutes of compiling."""
    one = make(output, problems, hparams)
    for number, variable in enumerate(one.state.optimizer.variables):
        variable.assign(tf.cast(tf.fill(variable.shape, number), variable.dtype))
    one.state.step = step
    one.train(step)
    return one


def same(one, other):
    pairs = [(one.model, other.model), (one.state.optimizer, other.state.optimizer)]
    return all(
        np.array_equal(mine, theirs)
        for first, second in pairs
        for mine, theirs in zip(first.variables, second.variables, strict=True)
    )


def test_a_run_goes_on_whatever_its_vocabularies_labels_and_commands_are_called(tmp_path):
    problems = [Odd("odd"), OddClass("odd_class")]
    one = saved(tmp_path, problems, step=3)
    console = Logged()
    again = make(tmp_path, problems, console=console)
    assert again.step == 3 and same(one, again)
    (line,) = console.lines
    assert line.startswith("Resuming from the checkpoint of step 3")
    model = MultiModel(TINY, problems)
    assert put_weights(model, str(tmp_path / "checkpoints" / "ckpt-3")) == 3
    for mine, theirs in zip(model.trainable_variables, one.model.trainable_variables, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_problem_whose_net_is_made_of_stock_layers_can_be_added_to_a_run(tmp_path):
    keras.layers.Dense(1).build((None, 1))  # Keras would count on from here
    first = saved(tmp_path, [Stock("toy_one")])
    console = Logged()
    more = make(tmp_path, [Stock("toy_other"), Stock("toy_one")], console=console)
    loaded, new = console.lines[-2:]
    assert (
        more.step == 1
        and "nets/stock_toy_one" in loaded
        and "newly initialised: nets/stock_toy_other" in new
    )
    for name in ("embedding", "classes"):
        mine, theirs = (getattr(run.model.nets["stock_toy_one"], name) for run in (first, more))
        for one, other in zip(mine.variables, theirs.variables, strict=True):
            np.testing.assert_array_equal(one, other)
    more.state.step = 2
    more.train(2)
    again = make(tmp_path, [Stock("toy_one"), Stock("toy_other")])
    assert again.step == 2 and same(more, again)


@pytest.mark.parametrize("left_out", ["averaged", "average"])
def test_a_checkpoint_without_moving_averages_or_their_counts_is_one_clear_line(tmp_path, left_out):
    hparams = TINY.replace(ema_decay=0.9)
    one = saved(tmp_path, [Toy()], hparams)
    saved_then = {}
    for (part, name), variable in (one._checkpoints._fixed | one._checkpoints._averaged).items():
        if not part.startswith(left_out):
            saved_then.setdefault(part, {})[name] = variable
    step = tf.Variable(2, dtype=tf.int64)
    tf.train.Checkpoint(**saved_then, step=step).write(str(tmp_path / "checkpoints" / "ckpt-2"))
    one.state.average.counts.assign_add(tf.ones_like(one.state.average.counts))
    console = Logged()
    again = make(tmp_path, [Toy()], hparams, console)
    assert again.step == 2 and same(one, again) and not np.any(again.state.average.counts)
    (line,) = [line for line in console.lines if "average" in line]
    assert "ckpt-2" in line and "starts again from the weights" in line


# ---- what is read


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """The directory of a run with a checkpoint of some megabytes, and how many bytes it has."""
    folder = tmp_path_factory.mktemp("large")
    saved(folder, [Toy()], TINY.replace(hidden_size=256))
    return folder, sum(f.stat().st_size for f in (folder / "checkpoints").glob("ckpt-1.data*"))


@pytest.fixture
def bytes_read():
    """A function that gives the bytes that this process has read since it was last called."""
    counters = Path("/proc/self/io")
    if not counters.exists():
        pytest.skip("the system does not count what a process reads")
    last = 0

    def since():
        nonlocal last
        before, last = last, int(counters.read_text().split()[1])
        return last - before

    return since


def test_resuming_reads_a_checkpoint_once(large, bytes_read):
    folder, size = large
    bytes_read()
    assert make(folder, [Toy()], TINY.replace(hidden_size=256)).step == 1
    assert 0.9 * size < bytes_read() < 1.3 * size


def test_a_problem_more_reads_the_weights_alone(large, bytes_read):
    folder, size = large  # of which Adam's two moments are two thirds
    bytes_read()
    make(folder, [Toy(), ToyClass("toy_first")], TINY.replace(hidden_size=256))
    assert bytes_read() < 0.6 * size


def test_predicting_reads_the_weights_alone(large, bytes_read):
    folder, size = large
    model = MultiModel(TINY.replace(hidden_size=256), [Toy()])
    bytes_read()
    put_weights(model, str(folder / "checkpoints" / "ckpt-1"))
    assert 0.2 * size < bytes_read() < 0.5 * size


class Told(Replicas):
    """Those of a worker, which is told these values by the chief."""

    def __init__(self, values):
        super().__init__()
        self.worker, self.is_chief, self.values = 1, False, values

    def from_chief(self, values):
        return self.values.pop(0)


def test_workers_go_on_from_the_checkpoint_that_the_chief_has_read(tmp_path):
    hparams = TINY.replace(hidden_size=8, num_heads=1)
    problems, config = [Toy()], RunConfig(train_steps=9, seed=1, model=simplest())
    one = Trainer(problems, hparams, config, tmp_path, console=Silent())
    one.resume()
    for step in (1, 2):
        one.state.step = step
        one.train(step)

    def worker(step):
        other = Trainer(problems, hparams, config, tmp_path, console=Silent())
        other.replicas = Told([["toy_copy"], True, step])
        other.resume()
        return other

    assert worker(1).step == 1  # whatever it sees itself
    with pytest.raises(UserError, match="Worker 1 can't read .*ckpt-7, from which the chief goes"):
        worker(7)
