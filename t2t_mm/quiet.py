"""Silences what native libraries write to stderr, past all of Python."""

import contextlib
import functools
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Sends file descriptor 2 to nowhere: for imports and calls whose native code chats. Errors are
    raised as ever."""
    try:
        number = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # a notebook's, or a test's
        yield
        return
    sys.stderr.flush()
    kept, nowhere = os.dup(number), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    try:
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)
        os.close(nowhere)


@functools.cache
def import_tensorflow() -> None:
    """Imports TensorFlow and looks for devices, without the messages of either; to be called before
    whatever else imports it."""
    with quiet():
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for GPUs, and says so
