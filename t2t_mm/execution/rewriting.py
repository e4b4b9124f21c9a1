"""Runs graphs as they were traced.

TensorFlow rewrites each graph before its first run (Grappler: constants, common subgraphs,
layouts). On a CPU that is a fifth to two fifths of the time to a model's first step, and gains
nothing where the time of a step goes into large products. Where operations are many and small it
does: in decoding, which is rewritten, and in the steps of a very small model, which take longer.
"""

import contextlib
from collections.abc import Iterator

import tensorflow as tf

_OPTION = "disable_meta_optimizer"


@contextlib.contextmanager
def as_traced() -> Iterator[None]:
    """In it, or in a function that it decorates, graphs run without having been rewritten. On a
    GPU they are rewritten all the same: layouts of pictures matter there."""
    before = tf.config.optimizer.get_experimental_options().get(_OPTION, False)
    _set(before or not tf.config.list_logical_devices("GPU"))
    try:
        yield
    finally:
        _set(before)


def _set(value: bool) -> None:
    tf.config.optimizer.set_experimental_options({_OPTION: value})
