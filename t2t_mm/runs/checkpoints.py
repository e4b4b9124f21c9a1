"""Checkpoints of a run: weights, optimizer state and step, each replaced only by a whole new
one."""

import concurrent.futures
import contextlib
import functools
import json
import os
import shutil
from pathlib import Path

import keras
import tensorflow as tf

from t2t_mm.errors import UserError
from t2t_mm.execution.replicas import Replicas


class Checkpoints:
    """Saves and restores a model and its optimizer under `<directory>/ckpt-<step>.*`.

    Every weight is stored under its name (`named_variables`), so that a checkpoint can be read by
    name.
    TensorFlow writes to temporary names and renames, the index last: whenever the process is
    killed, what has an index is whole. What the disk spoils later is found by its checksums when it
    is read, and the one before is taken. What is saved is copied to the host's memory and written
    from there by a thread, while training goes on.

    Args:
        directory: made at the first save.
        model, optimizer: Keras objects, built; the optimizer over variables in the order of their
            names, since that order is all it has.
        keep: how many of the newest checkpoints to keep.
        inputs: inputs.Inputs, saved beside each checkpoint under `input-<step>/`; None for none.
        average: averaging.MovingAverage, saved as well; None for none.
        replicas: replicas.Replicas; every worker saves its inputs, the chief alone the rest.
        log: function of one str.
    """

    def __init__(
        self,
        directory,
        model,
        optimizer,
        keep=3,
        inputs=None,
        average=None,
        replicas=None,
        log=print,
    ):
        self.directory, self.inputs, self.log, self.replicas = (
            Path(directory),
            inputs,
            log,
            replicas or Replicas(),
        )
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self._saved = {
            "model": {name: v.value for name, v in named_variables(model).items()},
            "optimizer": {f"{i:05d}": v.value for i, v in enumerate(optimizer.variables)},
            "step": self.step,
            **(
                {"average": average.averages, "averaged": {"counts": average.counts}}
                if average
                else {}
            ),
        }
        self._checkpoint = tf.train.Checkpoint(**self._saved)
        self._keep, self._copies, self._manager = keep, None, None
        self._writer, self._written, self._step = (
            concurrent.futures.ThreadPoolExecutor(1),
            None,
            None,
        )

    def save(self, step):
        """Starts to write the checkpoint of `step`, and returns as soon as training may go on.

        Raises:
            UserError: if it, or the one before, can't be written; older checkpoints are whole and
                what was half written is removed.
        """
        self.wait()
        self.replicas.any(False)  # the chief has tidied up
        self.step.assign(step)
        if self.inputs:  # first: where there is a checkpoint, there are its inputs
            with self._writing(step):
                self.inputs.save(self._input(step))
        self.replicas.any(False)  # all have done that
        if self.replicas.is_chief:
            self._copy()
            self._step = step
            self._written = self._writer.submit(self._manager.save, checkpoint_number=step)

    def wait(self):
        """Returns when what `save` started is done; UserError as there."""
        if self._written is None:
            return
        written, self._written = self._written, None
        with self._writing(self._step):
            written.result()
            self._drop_inputs()

    def check(self):
        """As `wait`, if it is done; else returns at once."""
        if self._written is not None and self._written.done():
            self.wait()

    def _copy(self):
        """Copies all that is saved to the host, where no step changes it while it is written."""
        values = tf.nest.flatten(self._saved)
        if self._copies is None:
            with tf.device("CPU:0"):
                copies = [tf.Variable(tf.zeros(v.shape, v.dtype), trainable=False) for v in values]
            self._copies, saved = copies, tf.nest.pack_sequence_as(self._saved, copies)
            self._manager = make_manager(
                tf.train.Checkpoint(**saved), self.directory, self._keep, saved["step"]
            )
        for copy, value in zip(self._copies, values, strict=True):
            copy.assign(value)

    @contextlib.contextmanager
    def _writing(self, step):
        try:
            yield
        except (tf.errors.OpError, OSError) as error:
            self._remove_partial(step)
            raise UserError(
                f"The checkpoint of step {step} could not be written to {self.directory}: "
                f"{_reason(error)}. "
                f"{_what_is_kept(self.directory)} Free some space or choose another --output_dir, "
                "then run "
                "the same command again."
            ) from error

    def restore(self, path=None):
        """Restores a checkpoint and returns its step; None if there is none.

        Args:
            path: its path prefix; the newest that is whole, if not given.

        Raises:
            UserError: if it doesn't fit the model and optimizer, or all are damaged.
        """
        if not path and not found(self.directory):
            return None
        path = path or newest_whole(self.directory, self.log, with_inputs=self.inputs is not None)
        try:
            self._checkpoint.restore(path).assert_consumed()
        except (tf.errors.OpError, AssertionError, ValueError, IndexError) as error:
            raise UserError(
                f"The checkpoint {path} does not fit this model and optimizer: {_reason(error)}. "
                "Give the hparams and problems that it was trained with, or another --output_dir."
            ) from error
        return self.restore_inputs(path)

    def restore_inputs(self, path):
        """Restores the inputs that belong to a checkpoint, no more, and returns its step."""
        folder = self._input(step_of(path))
        if self.inputs and not self.inputs.restore(folder) and folder.is_dir():
            self.log(
                "Batches are made in another way than before: the order of the data starts anew."
            )
        return step_of(path)

    def _input(self, step):
        return input_folder(self.directory / f"ckpt-{step}")

    def _drop_inputs(self):
        """Removes the inputs of checkpoints that are gone."""
        kept = {self._input(step_of(path)) for path in found(self.directory)}
        for folder in set(self.directory.glob("input-*")) - kept:
            shutil.rmtree(folder, ignore_errors=True)

    def _remove_partial(self, step):
        if self._manager and (self._manager.latest_checkpoint or "").endswith(f"ckpt-{step}"):
            return  # written whole; what failed came later
        shutil.rmtree(self._input(step), ignore_errors=True)
        for path in sorted(
            self.directory.glob(f"ckpt-{step}[._]*"), reverse=True
        ):  # files before their folder
            for inner in sorted(path.rglob("*"), reverse=True) if path.is_dir() else ():
                inner.unlink(missing_ok=True)
            path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)


def make_manager(checkpoint, directory, keep, step):
    """The tf.train.CheckpointManager that keeps so many of the newest checkpoints in a
    directory."""
    manager = functools.partial(
        tf.train.CheckpointManager, checkpoint, str(directory), max_to_keep=keep, step_counter=step
    )
    try:
        return manager()
    except ValueError:  # its list of checkpoints is spoilt; they are still there
        paths = found(directory)
        tf.compat.v1.train.update_checkpoint_state(str(directory), (paths or [""])[-1], paths)
        return manager()


def found(directory) -> list:
    """Path prefixes of the checkpoints in a directory, the newest last."""
    return sorted(
        (str(path.with_suffix("")) for path in Path(directory).glob("ckpt-*.index")), key=step_of
    )


def input_folder(path) -> Path:
    """Where the inputs of a checkpoint lie, given its path prefix."""
    return Path(path).with_name(f"input-{step_of(str(path))}")


def newest_whole(directory, log=print, with_inputs=False) -> str:
    """Path prefix of the newest checkpoint in a directory that is not damaged; `log` is told of
    those that are.

    Args:
        with_inputs: whether its inputs are wanted whole, too.

    Raises:
        UserError: if there is none.
    """
    *older, path = found(directory)
    while damage := damage_of(path) or (with_inputs and damage_of_inputs(input_folder(path))):
        if not older:
            raise UserError(
                f"The checkpoint {path} is damaged ({damage}), and no older one is whole. Bring "
                "back "
                "a copy of it, or give another --output_dir."
            )
        log(f"The checkpoint {path} is damaged ({damage}). Going on from the one before it.")
        path = older.pop()
    return path


def latest(directory):
    """Path prefix of the newest checkpoint in a directory, or None."""
    return (found(directory) or [None])[-1]


def step_of(path) -> int:
    """The step of a checkpoint, given by its path prefix."""
    return int(path.rpartition("-")[2])


def damage_of(path) -> str:
    """What is wrong with a checkpoint that can't be read to its end; "" if nothing is."""
    try:
        reader = tf.train.load_checkpoint(path)
        for (
            name,
            dtype,
        ) in reader.get_variable_to_dtype_map().items():  # each is compared with its checksum
            tf.raw_ops.RestoreV2(
                prefix=path, tensor_names=[name], shape_and_slices=[""], dtypes=[dtype]
            )
    except (tf.errors.OpError, RuntimeError, ValueError, LookupError, OSError) as error:
        return _reason(error)
    return ""


def damage_of_inputs(folder) -> str:
    """What is wrong with the inputs of a checkpoint, of any worker; "" if nothing is, or there are
    none."""
    for worker in sorted(Path(folder).glob("worker-*")):
        try:
            damage = (
                ""
                if json.loads((worker / "seeds.json").read_text())["seeds"] is not None
                else "no seeds"
            )
        except (OSError, ValueError, LookupError, TypeError) as error:
            damage = f"seeds.json: {_reason(error)}"
        damages = (damage_of(str(path.with_suffix(""))) for path in sorted(worker.glob("*.index")))
        damage = damage or next(filter(None, damages), "")
        if damage:
            return f"inputs of {worker.name}: {damage}"
    return ""


def named_variables(model):
    """{path: keras Variable} of a model; the path is that of attributes,
    "encoder/blocks/0/step1/depthwise".

    Unlike Keras' own paths, these depend neither on models made before in the process nor on the
    order of problems. A variable that several attributes hold counts once, under the first name.
    What only private attributes hold has Keras' path.
    """
    named, seen = {}, set()

    def walk(value, path):
        if id(value) in seen:
            return
        if isinstance(value, keras.Variable):
            named["/".join(path)] = value
        elif isinstance(value, keras.layers.Layer | keras.random.SeedGenerator):
            children = {
                name: child for name, child in vars(value).items() if not name.startswith("_")
            }
        elif isinstance(value, dict):
            children = {str(key): child for key, child in value.items()}
        elif isinstance(value, list | tuple):
            children = {str(i): child for i, child in enumerate(value)}
        else:
            return
        seen.add(id(value))
        if not isinstance(value, keras.Variable):
            for name, child in sorted(children.items()):
                walk(child, (*path, name))

    walk(model, ())
    return named | {v.path: v for v in model.variables if id(v) not in seen}


def _reason(error):
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")[:300]


def _what_is_kept(directory):
    path = latest(directory)
    return (
        f"The last whole checkpoint is {os.path.basename(path)}."
        if path
        else "There is no older checkpoint."
    )
