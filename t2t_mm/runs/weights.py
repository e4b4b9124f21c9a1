"""What a checkpoint holds, by name: shapes and values."""

from collections.abc import Collection, Iterator

import numpy as np
import tensorflow as tf

from t2t_mm import compat
from t2t_mm.runs.corruption import reading

# "model", "average" (moving averages of the weights), "averaged" (their counts), "optimizer" or
# "step"; then the name in it, as of `names.named_variables`.
Key = tuple[str, str]
_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"


class Reader:
    """A checkpoint that is read value by value, each compared with its checksum.

    Args:
        path: its path prefix.

    Attributes:
        shapes: {(part, name): shape} of all that it holds, in the order in which it lies there.
        types: {(part, name): data type}.

    Raises:
        CorruptCheckpoint: here if its index can't be read, later if a value can't be.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with reading(path):
            self._reader = tf.train.load_checkpoint(path)
            shapes = self._reader.get_variable_to_shape_map()
            types = self._reader.get_variable_to_dtype_map()
        self._names = {key: name for name in sorted(shapes) if (key := _key(name))}
        self._rest = sorted(shapes.keys() - self._names.values())
        self.shapes = {key: tuple(shapes[name]) for key, name in self._names.items()}
        self.types = {key: types[name] for key, name in self._names.items()}

    def __getitem__(self, key: Key) -> np.ndarray:
        return self._value(self._names[key])

    def all(self) -> Iterator[tuple[Key, np.ndarray]]:
        """(key, value) of all, one after another, which finds any corruption."""
        for key in self._names:
            yield key, self[key]
        for name in self._rest:
            self._value(name)

    def _value(self, name: str) -> np.ndarray:
        with reading(self.path):
            return self._reader.get_tensor(name)


def stored_key(key: Key) -> str:
    """The name under which TensorFlow's format stores what has a key."""
    part, name = key
    return "/".join(filter(None, (part, compat.escaped_checkpoint_key(name)))) + _SUFFIX


def _key(stored: str) -> Key | None:
    """The opposite of `stored_key`; None of what TensorFlow added to it in earlier versions."""
    part, _, name = stored.removesuffix(_SUFFIX).partition("/")
    is_ours = stored.endswith(_SUFFIX) and part != "save_counter"
    return (part, compat.unescaped_checkpoint_key(name)) if is_ours else None


def shapes(path: str) -> dict[Key, tuple[int, ...]]:
    """{(part, name): shape} of all that a checkpoint holds, given by its path prefix; no value is
    read.

    Raises:
        CorruptCheckpoint: if its index can't be read.
    """
    return Reader(path).shapes


def read(path: str) -> dict[Key, np.ndarray]:
    """{(part, name): value} of all that a checkpoint holds.

    Raises:
        CorruptCheckpoint: if some of it can't be read.
    """
    return dict(Reader(path).all())


def weight_shapes(path: str) -> dict[str, tuple[int, ...]]:
    """{name: shape} of the weights of the model in a checkpoint; no value is read."""
    return {name: shape for (part, name), shape in shapes(path).items() if part == "model"}


def weight_keys(there: Collection[Key], names: Collection[str] | None = None) -> dict[str, Key]:
    """{name: key} of the weights of the model among what a checkpoint holds: of their moving
    averages where there are any.

    Args:
        there: keys.
        names: of those wanted, of which some may not be there; None: all.
    """
    keys = {name: (part, name) for part, name in there if part == "model"}
    keys |= {name: (part, name) for part, name in there if part == "average"}
    return {name: key for name, key in keys.items() if names is None or name in names}


def weights(path: str, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """{name: value} of the weights of the model in a checkpoint, see `weight_keys`; nothing else is
    read."""
    reader = Reader(path)
    return {name: reader[key] for name, key in weight_keys(reader.shapes, names).items()}
