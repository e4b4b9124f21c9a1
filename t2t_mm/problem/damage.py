"""Prepared data that is damaged: whatever goes wrong where it is read is one clear line."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from t2t_mm import compat, records
from t2t_mm.errors import UserError, first_line

RECORDS = ("dataset_info.json", "features.json")  # of TFDS, beside the files of examples


@contextlib.contextmanager
def opening(folder: Path) -> Iterator[None]:
    """Opens a data set, or its examples: TFDS raises almost anything where a file is damaged.

    Raises:
        UserError: it can't be opened.
    """
    if compat.is_tfds_mocked():  # such a data set has no files
        yield
        return
    remedy = f"Restore it from a backup, or delete {folder} and prepare the data again."
    for name in RECORDS:
        records.read_json(folder / name, remedy=remedy)
    for path in folder.iterdir():
        if not path.is_file() and not path.is_dir():  # a pipe would never end
            raise UserError(f"{path} can't be read: it is no regular file. {remedy}")
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        which, reason = " or ".join(RECORDS), f"{type(error).__name__}: {first_line(error)}"
        raise UserError(
            f"The data set in {folder} can't be read: {which} is damaged ({reason}). {remedy}"
        ) from error


@contextlib.contextmanager
def reading(problem: Any) -> Iterator[None]:
    """Reads examples of a problem.

    Raises:
        UserError: TensorFlow can't; the message names the file.
    """
    try:
        yield
    except Exception as error:
        if not _is_of_tensorflow(error) and not isinstance(error, UnicodeDecodeError):
            raise
        folder = problem.folder_of_data
        if folder is None:
            raise
        raise UserError(
            f"The data of {problem.name} can't be read: {_damaged(folder)} is damaged "
            f"({first_line(error)}). Restore it from a backup, or delete {folder} and prepare the "
            "data again."
        ) from error


def read(problem: Any, examples: Iterable[Any]) -> Iterator[Any]:
    """The examples of a problem, read as `reading` does."""
    with reading(problem):
        yield from examples


def _is_of_tensorflow(error: Exception) -> bool:
    import tensorflow as tf

    return isinstance(error, tf.errors.OpError)


def _damaged(folder: Path) -> Path:
    """The first file of examples that is cut off or does not match its checksums; the folder if all
    are intact."""
    import tensorflow as tf

    for path in sorted(folder.glob("*.tfrecord*")):
        try:
            tf.data.TFRecordDataset(str(path)).reduce(0, lambda count, _: count + 1)
        except tf.errors.OpError:
            return path
    return folder
