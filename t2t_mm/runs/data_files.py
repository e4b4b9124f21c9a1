"""The data files of a checkpoint: which holds what, how each is written, and how all become one.

The format is TensorFlow's: an index with the place and checksum of each value, and any number of
data files. They are written one by one into a folder beside, by any number of processes, and are
moved to their places at the end, the index last: wherever that stops, what has an index is whole.
"""

import math
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf

from t2t_mm.runs.paths import drop, partial_folder

SIZE = 2**30  # bytes of a data file, and at most one value more


def layout(sizes: Mapping[str, int], workers: int = 1) -> list[tuple[int, list[str]]]:
    """What the data files of a checkpoint hold, each a run of names in their order.

    Args:
        sizes: {name: bytes}.
        workers: how many write, each about as much.

    Returns:
        [(worker, names)], a file each; none is empty.
    """
    total = max(1, sum(sizes.values()))
    each = math.ceil(total / workers / SIZE)  # files of a worker
    held: list[list[str]] = [[] for _ in range(workers * each)]
    before = 0
    for name in sorted(sizes):
        middle = 2 * before + sizes[name]  # of the value, in half bytes
        held[min(middle * len(held) // (2 * total), len(held) - 1)].append(name)
        before += sizes[name]
    return [(number // each, names) for number, names in enumerate(held) if names]


def write(
    path: str,
    number: int,
    values: Mapping[str, tf.Tensor],
    slices: Mapping[str, str] | None = None,
) -> None:
    """Writes the data file of a number of a checkpoint, given by its path prefix; in any order, and
    by any process.

    Args:
        path, number: as above.
        values: {name: value}.
        slices: {name: `rows_of` what it is a part of}, for values that are parts of others.

    Raises:
        tf.errors.OpError: if it can't be written.
    """
    names = sorted(values)
    with tf.device("CPU:0"):
        tf.raw_ops.SaveV2(
            prefix=_part(path, number),
            tensor_names=names,
            shape_and_slices=[(slices or {}).get(name, "") for name in names],
            tensors=[values[name] for name in names],
        )


def rows_of(shape: Sequence[int], first: int, count: int) -> str:
    """How the format says "these rows of a value of that shape"."""
    return " ".join([*map(str, shape), ":".join([f"{first},{count}", *["-"] * (len(shape) - 1)])])


def are_written(path: str, count: int) -> bool:
    """Whether so many data files are there, each to its end."""
    return all(os.path.isfile(f"{_part(path, number)}.index") for number in range(count))


def join(path: str, count: int) -> None:
    """Makes one checkpoint of so many data files.

    Raises:
        tf.errors.OpError, OSError: if it can't be done.
    """
    folder = partial_folder(path)
    joined = folder / "joined"
    with tf.device("CPU:0"):
        tf.raw_ops.MergeV2Checkpoints(
            checkpoint_prefixes=[_part(path, number) for number in range(count)],
            destination_prefix=str(joined),
            delete_old_dirs=False,
        )
    drop(path)  # one of that step that is corrupt
    index = Path(f"{joined}.index")
    for file in [*sorted(folder.glob(f"{joined.name}.data-*")), index]:
        os.replace(file, f"{path}{file.suffix}")
    shutil.rmtree(folder)


def _part(path: str, number: int) -> str:
    """The path prefix of a data file that is not yet joined."""
    return str(partial_folder(path) / f"part-{number:05d}")


def size_of(shape: Sequence[int], dtype: tf.DType) -> int:
    """Bytes of a value."""
    return math.prod(shape) * dtype.size
