"""Writing checkpoints while training goes on."""

import concurrent.futures
from pathlib import Path
from typing import Any

import tensorflow as tf

from t2t_mm.execution.exchange import rows_here, whole
from t2t_mm.execution.replicas import Replicas
from t2t_mm.layers.shares import holders, whole_shape
from t2t_mm.runs import data_files
from t2t_mm.runs.paths import checkpoint_path, drop, found, partial_folder, step_of
from t2t_mm.runs.weights import Key, stored_key


class Writer:
    """Writes checkpoints in a thread, one at a time, from copies in the host's memory, each let go
    as soon as its data file is written.

    Each worker writes data files of its own, in which are its rows of what the workers share out,
    and a share of all else. When all are there, the chief makes a checkpoint of them, and drops the
    oldest: whenever a process is killed, what has an index is whole.

    Args:
        directory: where they go, under `ckpt-<step>.*`; made at the first.
        saved: {(part, name): variable of Keras or TensorFlow}, what they hold.
        keep: how many of the newest to keep.
        replicas: the workers.

    Attributes:
        step: of the last that was started.
    """

    def __init__(
        self, directory: Path, saved: dict[Key, Any], keep: int, replicas: Replicas
    ) -> None:
        self.directory, self.keep, self.step, self._joined = directory, keep, 0, 0
        self.thread = concurrent.futures.ThreadPoolExecutor(1)
        self._written: concurrent.futures.Future | None = None
        self._saved = {stored_key(key): variable for key, variable in saved.items()}
        workers, self._joins = replicas.workers, replicas.is_chief
        sizes, of_rows, self._slices = {}, {}, {}
        for name, v in self._saved.items():
            shape = whole_shape(v)
            size = data_files.size_of(shape, tf.as_dtype(v.dtype))
            if workers == 1 or holders(v) == 1:
                sizes[name] = size
                continue
            of_rows[name], count = size // workers, shape[0] // workers
            self._slices[name] = data_files.rows_of(shape, replicas.worker * count, count)
        files = data_files.layout(sizes, workers)
        shares = [names for _, names in data_files.layout(of_rows)]
        files += [(worker, names) for worker in range(workers) for names in shares]
        self._count = len(files)
        self._mine = [
            (number, names)
            for number, (worker, names) in enumerate(files)
            if worker == replicas.worker
        ]

    def start(self, step: int) -> None:
        """Copies what this worker saves, so that no step changes it, and starts to write it."""
        self.step = step
        partial_folder(self._path).mkdir(parents=True, exist_ok=True)
        files = [
            (number, {name: self._copied(name) for name in names}) for number, names in self._mine
        ]
        self._written = self.thread.submit(self._write, self._path, files)

    @property
    def is_started(self) -> bool:
        """Whether there is one whose end nobody has waited for."""
        return self._written is not None

    def has_written(self, step: int) -> bool:
        """Whether the checkpoint of a step was written to its end, which the chief knows."""
        return self._joined == step

    def check(self) -> None:
        """Where this worker's part is done, looks after the rest; returns at once.

        Raises:
            tf.errors.OpError, OSError: it can't be written.
        """
        if self._written and self._written.done():
            if self._written.exception():
                self.finish()
            self._join(self._path)

    def finish(self) -> None:
        """Waits until this worker's part is written; raises as `check`."""
        written, self._written = self._written, None
        if written:
            written.result()

    def join(self) -> None:
        """After all workers have finished: makes the checkpoint; raises as `check`."""
        self._join(self._path, must=True)

    @property
    def _path(self) -> str:
        return checkpoint_path(self.directory, self.step)

    def _write(self, path: str, files: list[tuple[int, dict[str, tf.Tensor]]]) -> None:
        """In the thread."""
        while files:
            data_files.write(path, *files.pop(0), self._slices)
        self._join(path)

    def _join(self, path: str, must: bool = False) -> None:
        """Makes the checkpoint, if this is the chief's to do and is not done yet, and all files are
        there or have to be."""
        step = step_of(path)
        if not self._joins or self._joined == step:
            return
        if must or data_files.are_written(path, self._count):
            data_files.join(path, self._count)
            self._joined = step
            older = [each for each in found(self.directory) if step_of(each) <= step]
            for each in older[: -self.keep]:
                drop(each)

    def _copied(self, name: str) -> tf.Tensor:
        """A value of now. What lies in the host's memory already is copied when a step changes it:
        TensorFlow never writes to memory that a tensor holds."""
        read = rows_here if name in self._slices else whole
        with tf.device("CPU:0"):
            return tf.identity(read(self._saved[name]))
