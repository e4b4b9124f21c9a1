"""The checkpoints of a run: all that it needs to go on as if it had never stopped."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import keras
import tensorflow as tf

from t2t_mm.data.pipeline.stream import Inputs
from t2t_mm.errors import UserError, first_line
from t2t_mm.execution.exchange import assign
from t2t_mm.execution.replicas import Replicas
from t2t_mm.layers.shares import whole_shape
from t2t_mm.runs import weights
from t2t_mm.runs.corruption import newest_intact
from t2t_mm.runs.names import named_variables
from t2t_mm.runs.paths import checkpoint_path, found, input_folder, latest, step_of, tidy
from t2t_mm.runs.writing import Writer

Shapes = dict[weights.Key, tuple[int, ...]]


class Average(Protocol):
    """Moving averages of the weights, by name, and how often each was updated."""

    averages: dict[str, tf.Variable]
    counts: tf.Variable

    def restart(self) -> None:
        """Starts anew from the weights."""


class Checkpoints:
    """Saves and restores a model and its optimizer under `<directory>/ckpt-<step>.*`.

    Every weight is stored whole under its name (names.named_variables), so that a checkpoint can be
    read by name, on any number of devices and machines. What a disk corrupts is found by its
    checksums when it is read, and the checkpoint before is taken.

    Args:
        directory: made at the first save.
        model, optimizer: Keras objects, built; the optimizer over variables in the order of their
            names, since that order is all it has.
        keep: how many of the newest checkpoints to keep.
        inputs: saved beside each checkpoint under `input-<step>/`; None for none.
        average: of the model's weights, saved as well; None for none.
        replicas: every worker saves its inputs, and its share of the rest; all call `save` and
            `wait`.
        log: function of one line.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        keep: int = 3,
        inputs: Inputs | None = None,
        average: Average | None = None,
        replicas: Replicas | None = None,
        log: Callable[[str], Any] = print,
    ):
        self.directory, self.inputs, self.average = Path(directory), inputs, average
        self.replicas, self.log = replicas or Replicas(), log
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        # what has to be in a checkpoint as it is here
        self._fixed: dict[weights.Key, Any] = {
            ("model", name): v for name, v in named_variables(model).items()
        } | {("optimizer", f"{i:05d}"): v for i, v in enumerate(optimizer.variables)}
        self._averaged: dict[weights.Key, Any] = {}
        if average:
            self._averaged = {("average", name): v for name, v in average.averages.items()}
            self._averaged["averaged", "counts"] = average.counts
        saved = self._fixed | self._averaged | {("step", ""): self._step}
        self._writer = Writer(self.directory, saved, keep, self.replicas)
        self._is_mixed = False

    def save(self, step: int) -> None:
        """Starts to write the checkpoint of `step`, and returns as soon as training may go on.

        Raises:
            UserError: if it, or the one before, can't be written; older checkpoints stay intact,
                and what was written of it is removed.
        """
        self.wait()
        if self.replicas.is_chief:
            with self._writing(step):
                tidy(self.directory)
        self.replicas.any(False)  # the chief has tidied up
        self._step.assign(step)
        if self.inputs:  # first: where there is a checkpoint, there are its inputs
            with self._writing(step):
                self.inputs.save(self._input(step))
        self.replicas.any(False)  # all have done that
        with self._writing(step):
            self._writer.start(step)

    def wait(self) -> None:
        """Returns when what `save` started is done; UserError as there."""
        if not self._writer.is_started:
            return
        with self._writing(self._writer.step):
            self._writer.finish()
        self.replicas.any(False)  # all have written their share
        if self.replicas.is_chief:
            with self._writing(self._writer.step):
                self._writer.join()
                tidy(self.directory)

    def check(self) -> None:
        """Raises a UserError if what `save` started has failed; waits for nothing."""
        with self._writing(self._writer.step):
            self._writer.check()

    @contextlib.contextmanager
    def _writing(self, step: int) -> Iterator[None]:
        try:
            yield
        except (tf.errors.OpError, OSError) as error:
            self._remove_partial(step)
            path = latest(self.directory)
            kept = f"The last intact checkpoint is {os.path.basename(path)}" if path else ""
            raise UserError(
                f"The checkpoint of step {step} could not be written to {self.directory}: "
                f"{first_line(error)}. {kept or 'There is no older checkpoint'}. Free some space "
                "or choose another --output_dir, then run the same command again."
            ) from error

    def _input(self, step: int) -> Path:
        return input_folder(checkpoint_path(self.directory, step))

    def _remove_partial(self, step: int) -> None:
        if self._writer.has_written(step):
            return  # what failed came later
        shutil.rmtree(self._input(step), ignore_errors=True)
        for path in self.directory.glob(f"ckpt-{step}[._]*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def restore(self, path: str | None = None) -> int | None:
        """Restores a checkpoint and returns its step; None if there is none.

        Args:
            path: its path prefix; the newest that is intact, if not given.

        Raises:
            UserError: if it doesn't fit the model and optimizer, or is corrupt.
        """
        if path:
            return self._restore(path)
        if not found(self.directory):
            self.check_not_mixed()
            return None
        return newest_intact(self.directory, self._restore, self.log, self.inputs is not None)

    def _restore(self, path: str) -> int:
        reader = weights.Reader(path)
        self._check_fits(path, reader.shapes)
        has_average = _hold(reader.shapes, self._averaged)
        variables = self._fixed | self._averaged if has_average else self._fixed
        with self.replicas.scope():
            self._is_mixed = True
            for key, value in reader.all():  # of which no more than one is in memory
                if key in variables:
                    assign(variables[key], tf.cast(value, variables[key].dtype))
            self._is_mixed = False
            if self.average and not has_average:
                self.average.restart()
                self.log(
                    f"The checkpoint {path} has no moving average like that of this run, which "
                    "starts again from the weights."
                )
        return self.restore_inputs(path)

    def check_not_mixed(self) -> None:
        """Raises a UserError if the state has values of a corrupt checkpoint, which only one that
        replaces all of them makes good."""
        if self._is_mixed:
            raise UserError(
                f"The newest checkpoint in {self.directory} is corrupt, which showed when a part "
                "of it had been taken over, and there is none that replaces all of that. Remove "
                "its files, and start again."
            )

    def _check_fits(self, path: str, there: Shapes) -> None:
        here = {key: whole_shape(variable) for key, variable in self._fixed.items()}
        there = {key: shape for key, shape in there.items() if key[0] in ("model", "optimizer")}
        if here == there:
            return
        told = [
            f"{'/'.join(key)} is {_shape(there.get(key))} in it and {_shape(here.get(key))} here"
            for key in sorted(here.keys() | there.keys())
            if here.get(key) != there.get(key)
        ]
        more = f" (and {len(told) - 1:,} more)" if len(told) > 1 else ""
        raise UserError(
            f"The checkpoint {path} does not fit this model and optimizer: {told[0]}{more}. Give "
            "the hparams and problems that it was trained with, or another --output_dir."
        )

    def restore_inputs(self, path: str) -> int:
        """Restores the inputs that belong to a checkpoint, no more, and returns its step."""
        folder = input_folder(path)
        if self.inputs and not self.inputs.restore(folder) and folder.is_dir():
            self.log(
                "Batches are made differently than before: the order of the data starts again."
            )
        return step_of(path)


def _hold(there: Shapes, variables: dict[weights.Key, Any]) -> bool:
    """Whether all variables are there, in their shapes."""
    return all(there.get(key) == whole_shape(variable) for key, variable in variables.items())


def _shape(shape: tuple[int, ...] | None) -> str:
    return "missing" if shape is None else f"of shape {list(shape)}"
