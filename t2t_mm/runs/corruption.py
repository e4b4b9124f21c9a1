"""Corrupt checkpoints: how they are found, and how the newest that is intact is."""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import TypeVar

import tensorflow as tf

from t2t_mm.data.pipeline.stream import read_place
from t2t_mm.errors import UserError, first_line
from t2t_mm.runs.choice import NEWEST, chosen
from t2t_mm.runs.directory import OutputDir
from t2t_mm.runs.paths import found, input_folder

# What TensorFlow raises where a file is missing, cut off or does not match its checksums.
READ_ERRORS = (tf.errors.OpError, RuntimeError, ValueError, LookupError, OSError)
Result = TypeVar("Result")


class CorruptCheckpoint(UserError):
    """A checkpoint that can't be read.

    Args:
        path: its path prefix.
        reason: what is wrong with it.
    """

    def __init__(self, path: str, reason: str):
        super().__init__(f"The checkpoint {path} is corrupt ({reason}). Restore it from a backup.")
        self.path, self.reason = path, reason


@contextlib.contextmanager
def reading(path: str) -> Iterator[None]:
    """Reads from a checkpoint: whatever goes wrong is a CorruptCheckpoint."""
    try:
        yield
    except READ_ERRORS as error:
        raise CorruptCheckpoint(path, first_line(error)) from error


def newest_intact(
    directory: str | os.PathLike,
    read: Callable[[str], Result],
    log: Callable[[str], None] = print,
    with_inputs: bool = False,
) -> Result:
    """What `read` makes of the newest checkpoint that is intact.

    Whether it is shows when it is read, since each value is compared with its checksum: so it is
    read once only.

    Args:
        directory: where the checkpoints are.
        read: function of a checkpoint's path prefix that raises CorruptCheckpoint before it has
            changed anything; it is called with the newest, then, if need be, with older ones.
        log: function of one line, for each corrupt checkpoint that is passed over.
        with_inputs: whether the inputs of the checkpoint have to be intact, too.

    Raises:
        UserError: if there is none that is intact.
    """
    paths = found(directory)
    while paths:
        path = paths.pop()
        try:
            if with_inputs:
                _check_inputs(path)
            return read(path)
        except CorruptCheckpoint as error:
            if not paths:
                raise UserError(
                    f"The checkpoint {path} is corrupt ({error.reason}), and no older one is "
                    "intact. Restore it from a backup, or give another --output_dir."
                ) from error
            log(f"{path} is corrupt ({error.reason}): using the checkpoint before it instead.")
    raise UserError(f"There is no checkpoint in {directory}.")


def read_chosen(
    output: OutputDir,
    which: str | int,
    read: Callable[[str], Result],
    log: Callable[[str], None] = print,
) -> Result:
    """What `read` makes of a checkpoint of a run; in place of a newest one that is corrupt, of the
    newest that is intact.

    Args:
        output: of the run.
        which: see `choice.chosen`.
        read, log: as of `newest_intact`.

    Raises:
        UserError: if there is no such checkpoint, or it is corrupt.
    """
    path = chosen(output, which)
    return newest_intact(output.checkpoints, read, log) if which == NEWEST else read(path)


def corruption_of(path: str) -> str:
    """What is wrong with a checkpoint, read to its end; "" if nothing is."""
    try:
        with reading(path):
            types = tf.train.load_checkpoint(path).get_variable_to_dtype_map()
            for name, dtype in sorted(types.items()):  # as they lie in the file
                # Unlike the reader this takes the states of iterators, too.
                tf.raw_ops.RestoreV2(
                    prefix=path, tensor_names=[name], shape_and_slices=[""], dtypes=[dtype]
                )
    except CorruptCheckpoint as error:
        return error.reason
    return ""


def _check_inputs(path: str) -> None:
    """Raises CorruptCheckpoint if the inputs of a checkpoint, of any worker, can't be read."""
    for worker in sorted(input_folder(path).glob("worker-*")):
        try:
            place = read_place(worker)
            names = place["seeds"].keys() - place.get("positions", {}).keys()  # in own files
            reason = next(
                filter(None, (corruption_of(str(worker / name)) for name in sorted(names))), ""
            )
        except UserError as error:
            reason = first_line(error)
        if reason:
            raise CorruptCheckpoint(path, f"inputs of {worker.name}: {reason}")
