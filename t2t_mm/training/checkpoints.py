"""Checkpoints of a run: weights, optimizer state and step, each replaced only by a whole new one."""

import os
from pathlib import Path

import keras
import tensorflow as tf

from t2t_mm.errors import UserError


class Checkpoints:
    """Saves and restores a model and its optimizer under `<directory>/ckpt-<step>.*`.

    Every weight is stored under its name (`named_variables`), so that a checkpoint can be read by name.
    TensorFlow writes to temporary names, renames, and only then points the file `checkpoint` to the new one:
    whenever the process is killed, that file names a whole checkpoint.

    Args:
        directory: made at the first save.
        model, optimizer: Keras objects, built; the optimizer over variables in the order of their names,
            since that order is all it has.
        keep: how many of the newest checkpoints to keep.
    """

    def __init__(self, directory, model, optimizer, keep=3):
        self.directory = Path(directory)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self._checkpoint = tf.train.Checkpoint(
            model={name: v.value for name, v in named_variables(model).items()},
            optimizer={f"{i:05d}": v.value for i, v in enumerate(optimizer.variables)},
            step=self.step,
        )
        self._manager = tf.train.CheckpointManager(
            self._checkpoint, str(self.directory), max_to_keep=keep, step_counter=self.step
        )

    def save(self, step):
        """Writes the checkpoint of `step` and drops the oldest.

        Raises:
            UserError: if it can't be written; older checkpoints are whole and what was half written is
                removed.
        """
        self.step.assign(step)
        try:
            return self._manager.save(checkpoint_number=step)
        except (tf.errors.OpError, OSError) as error:
            self._remove_partial(step)
            raise UserError(
                f"The checkpoint of step {step} could not be written to {self.directory}: {_reason(error)}. "
                f"{_what_is_kept(self.directory)} Free some space or choose another --output_dir, then run "
                "the same command again."
            ) from error

    def restore(self):
        """Restores the newest checkpoint and returns its step; None if there is none.

        Raises:
            UserError: if it doesn't fit the model and optimizer, or is damaged.
        """
        path = latest(self.directory)
        if path is None:
            return None
        try:
            self._checkpoint.restore(path).assert_consumed()
        except (tf.errors.OpError, AssertionError, ValueError, IndexError) as error:
            raise UserError(
                f"The checkpoint {path} does not fit this model and optimizer, or is damaged: "
                f"{_reason(error)}. "
                "Give the hparams and problems that it was trained with, or another --output_dir."
            ) from error
        return int(self.step.numpy())

    def _remove_partial(self, step):
        if self._manager.latest_checkpoint and self._manager.latest_checkpoint.endswith(f"ckpt-{step}"):
            return  # written whole; what failed came later
        for path in sorted(
            self.directory.glob(f"ckpt-{step}[._]*"), reverse=True
        ):  # files before their folder
            for inner in sorted(path.rglob("*"), reverse=True) if path.is_dir() else ():
                inner.unlink(missing_ok=True)
            path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)


def latest(directory):
    """Path prefix of the newest checkpoint in a directory, or None."""
    return tf.train.latest_checkpoint(str(directory))


def named_variables(model):
    """{path: keras Variable} of a model; the path is that of attributes, "encoder/blocks/0/step1/depthwise".

    Unlike Keras' own paths, these depend neither on models made before in the process nor on the order of
    problems. A variable that several attributes hold counts once, under the first name. What only private
    attributes hold has Keras' path.
    """
    named, seen = {}, set()

    def walk(value, path):
        if id(value) in seen:
            return
        if isinstance(value, keras.Variable):
            named["/".join(path)] = value
        elif isinstance(value, keras.layers.Layer | keras.random.SeedGenerator):
            children = {name: child for name, child in vars(value).items() if not name.startswith("_")}
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
        f"The last whole checkpoint is {os.path.basename(path)}." if path else "There is no older checkpoint."
    )
