"""The mean of checkpoints."""

import os
import shutil

import numpy as np

from t2t_mm.runs import data_files
from t2t_mm.runs.paths import checkpoint_path, partial_folder, step_of
from t2t_mm.runs.weights import Key, Reader, stored_key


def write_mean(paths: list[str], directory: str | os.PathLike) -> str:
    """Writes a checkpoint with the mean of each weight over several checkpoints of one run. What is
    no weight (optimizer, step) is that of the last, and of the others not read. No more than one
    data file is in memory at a time.

    Args:
        paths: path prefixes of the checkpoints, oldest first.
        directory: where the checkpoint goes.

    Returns:
        Its path prefix.

    Raises:
        CorruptCheckpoint: if what is read of one of them is corrupt; nothing is written then.
    """
    readers = [Reader(path) for path in paths]
    last = readers[-1]
    keys = {stored_key(key): key for key in last.shapes}
    sizes = {
        name: data_files.size_of(last.shapes[key], last.types[key]) for name, key in keys.items()
    }
    path = checkpoint_path(directory, step_of(paths[-1]))
    partial_folder(path).mkdir(parents=True)
    try:
        files = data_files.layout(sizes)
        for number, (_, names) in enumerate(files):
            data_files.write(path, number, {name: _mean(readers, keys[name]) for name in names})
        data_files.join(path, len(files))
    finally:
        shutil.rmtree(partial_folder(path), ignore_errors=True)
    return path


def _mean(readers: list[Reader], key: Key) -> np.ndarray:
    """Of the checkpoints that hold it, if it is a weight: a net that came later is in the later
    ones alone. Otherwise its last value."""
    last = readers[-1]
    if key[0] not in ("model", "average") or not last.types[key].is_floating:
        return last[key]
    total, count = np.float64(0), 0
    for reader in readers:
        if key in reader.shapes:
            total, count = total + reader[key].astype(np.float64), count + 1
    return (total / count).astype(last.types[key].as_numpy_dtype)
