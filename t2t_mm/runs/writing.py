"""Writing checkpoints while training goes on."""

import concurrent.futures
import functools
import os
from pathlib import Path
from typing import Any

import tensorflow as tf

from t2t_mm.execution.exchange import whole
from t2t_mm.layers.shares import whole_shape
from t2t_mm.runs.paths import found, step_of

# {part: {name: variable of Keras or TensorFlow}, "step": variable}: what a checkpoint holds.
Saved = dict[str, Any]


class Writer:
    """Writes checkpoints in a thread, one at a time, from copies in the host's memory.

    TensorFlow writes to temporary names and renames, the index last: whenever the process is
    killed, what has an index is complete.

    Args:
        directory: where they go, under `ckpt-<step>.*`; made at the first.
        saved: what they hold.
        keep: how many of the newest to keep.

    Attributes:
        step: of the last that was started.
    """

    def __init__(self, directory: Path, saved: Saved, keep: int):
        self.directory, self.keep, self._saved, self.step = directory, keep, saved, 0
        self.thread = concurrent.futures.ThreadPoolExecutor(1)
        self._copies: list[tf.Variable] = []
        self._manager: tf.train.CheckpointManager | None = None
        self._written: concurrent.futures.Future | None = None

    def start(self, step: int) -> None:
        """Copies all that is saved, so that no step changes it, and starts to write it."""
        values = tf.nest.flatten(self._saved)
        if self._manager is None:
            with tf.device("CPU:0"):
                self._copies = [
                    tf.Variable(tf.zeros(whole_shape(v), v.dtype), trainable=False) for v in values
                ]
            copies = tf.nest.pack_sequence_as(self._saved, self._copies)
            self._manager = _make_manager(copies, self.directory, self.keep)
        for copy, value in zip(self._copies, values, strict=True):
            copy.assign(whole(value))
        self.step = step
        self._written = self.thread.submit(self._manager.save, checkpoint_number=step)

    @property
    def is_started(self) -> bool:
        """Whether there is one whose end nobody has waited for."""
        return self._written is not None

    @property
    def is_done(self) -> bool:
        """Whether it is written, or failed."""
        return self._written is not None and self._written.done()

    def finish(self) -> None:
        """Waits until it is written, if one was started.

        Raises:
            tf.errors.OpError, OSError: it can't be.
        """
        written, self._written = self._written, None
        if written:
            written.result()

    def has_written(self, step: int) -> bool:
        """Whether the checkpoint of a step was written to its end."""
        last = self._manager.latest_checkpoint if self._manager else None
        return last is not None and step_of(last) == step


def _make_manager(
    saved: Saved, directory: str | os.PathLike, keep: int
) -> tf.train.CheckpointManager:
    make = functools.partial(
        tf.train.CheckpointManager,
        tf.train.Checkpoint(**saved),
        str(directory),
        max_to_keep=keep,
        step_counter=saved["step"],
    )
    try:
        return make()
    except (ValueError, tf.errors.OpError):  # its list of checkpoints is corrupt; they are not
        paths = found(directory)
        tf.compat.v1.train.update_checkpoint_state(str(directory), (paths or [""])[-1], paths)
        return make()
