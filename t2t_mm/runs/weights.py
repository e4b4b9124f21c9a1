"""What a checkpoint holds, by name: shapes, values, and the mean over several checkpoints."""

import collections
import os
from collections.abc import Collection

import numpy as np
import tensorflow as tf

from t2t_mm import compat
from t2t_mm.runs.corruption import reading

# "model", "average" (moving averages of the weights), "averaged" (their counts), "optimizer" or
# "step"; then the name in it, as of `names.named_variables`.
Key = tuple[str, str]
WEIGHTS = ("model", "average")
_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"


def shapes(path: str) -> dict[Key, tuple[int, ...]]:
    """{(part, name): shape} of all that a checkpoint holds, given by its path prefix; no value is
    read.

    Raises:
        CorruptCheckpoint: if its index can't be read.
    """
    with reading(path):
        found = tf.train.load_checkpoint(path).get_variable_to_shape_map()
    return {key: tuple(found[stored]) for stored, key in _keys(found).items()}


def read(path: str, wanted: Collection[Key] | None = None) -> dict[Key, np.ndarray]:
    """{(part, name): value} of a checkpoint; each is read once, and compared with its checksum.

    Args:
        path: its path prefix.
        wanted: what to read of what is there; None: all, which finds any corruption.

    Raises:
        CorruptCheckpoint: if some of it can't be read.
    """
    with reading(path):
        reader = tf.train.load_checkpoint(path)
        stored = reader.get_variable_to_shape_map()
        keys = _keys(stored)
        for key in stored.keys() - keys.keys() if wanted is None else ():
            reader.get_tensor(key)  # TensorFlow's own, of which the checksum alone is of use
        return {
            key: reader.get_tensor(stored)
            for stored, key in keys.items()
            if wanted is None or key in wanted
        }


def _keys(stored: Collection[str]) -> dict[str, Key]:
    """{TensorFlow's key: (part, name)}, in the order in which a file holds them."""
    keys = {}
    for key in sorted(stored):
        part, _, name = key.removesuffix(_SUFFIX).partition("/")
        if key.endswith(_SUFFIX) and part != "save_counter":
            keys[key] = part, compat.unescaped_checkpoint_key(name)
    return keys


def weight_shapes(path: str) -> dict[str, tuple[int, ...]]:
    """{name: shape} of the weights of the model in a checkpoint; no value is read."""
    return {name: shape for (part, name), shape in shapes(path).items() if part == "model"}


def weights(path: str, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """{name: value} of the weights of the model in a checkpoint, their moving averages where there
    are any.

    Args:
        path: its path prefix.
        names: of those wanted, of which some may not be there; None: all.
    """
    there = shapes(path)
    wanted = {
        (part, name)
        for part, name in there
        if (part == "average" or part == "model" and ("average", name) not in there)
        and (names is None or name in names)
    }
    return {name: value for (_, name), value in read(path, wanted).items()}


def write_mean(paths: list[str], directory: str | os.PathLike) -> str:
    """Writes a checkpoint with the mean of each weight over several checkpoints of one run, read
    one at a time; what is no weight (optimizer, step) is that of the last.

    Args:
        paths: path prefixes of the checkpoints, oldest first.
        directory: where the checkpoint goes.

    Returns:
        Its path prefix.
    """
    total: dict[Key, np.ndarray] = {}
    count: collections.Counter[Key] = collections.Counter()
    for path in paths:  # a net that came later is in the later ones alone
        for key, value in read(path, {key for key in shapes(path) if key[0] in WEIGHTS}).items():
            if _is_weight(key, value):
                total[key] = total.get(key, np.float64(0)) + value.astype(np.float64)
                count[key] += 1
    parts: dict[str, dict[str, tf.Variable]] = {}
    for key, value in read(paths[-1]).items():
        if _is_weight(key, value):
            value = (total[key] / count[key]).astype(value.dtype)
        parts.setdefault(key[0], {})[key[1]] = tf.Variable(value)
    step = parts.pop("step")[""]
    checkpoint = tf.train.Checkpoint(**parts, step=step)
    return tf.train.CheckpointManager(checkpoint, str(directory), max_to_keep=1).save(int(step))


def _is_weight(key: Key, value: np.ndarray) -> bool:
    return key[0] in WEIGHTS and np.issubdtype(value.dtype, np.floating)
