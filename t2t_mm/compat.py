"""Private API of other packages: all that we use of it stands here, each with a test of its own.

A release of such a package may take any of it away without notice; then it is mended here. Nothing
is imported until a function is called.
"""

import re
from typing import Any

# ---- TensorFlow


def unescaped_checkpoint_key(key: str) -> str:
    """A part of a key of a TensorFlow checkpoint as the name it was made from.

    TensorFlow joins names by "/", and in a name writes "." as ".." and "/" as ".S".
    """
    return re.sub(r"\.([.S])", lambda found: "." if found[1] == "." else "/", key)


# ---- Keras


def own_variables(layer: Any) -> list:
    """The variables that a Keras layer made itself, in the order in which it made them."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def own_layers(layer: Any) -> list:
    """The layers that a Keras layer holds directly, in the order in which it took them up."""
    return list(layer._layers)
