"""The number format that layers compute in."""

import contextlib
from collections.abc import Iterator

import keras

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


@contextlib.contextmanager
def dtype_policy(precision: str) -> Iterator[None]:
    """The dtypes of layers made within.

    Args:
        precision: "float32"; or "bfloat16", in which layers compute while weights stay float32.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
