"""Silences what native libraries write to stderr, past all of Python."""

import contextlib
import functools
import os
import sys
from collections.abc import Iterator

from t2t_mm import compat

# Where native code writes, whatever sys.stderr is: a notebook shows what comes there, too.
NATIVE = 2


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Sends file descriptor 2 to nowhere: for imports and calls whose native code chats. Errors are
    raised as ever."""
    with contextlib.suppress(AttributeError, OSError, ValueError):  # what stands in for stderr
        sys.stderr.flush()
    try:
        kept = os.dup(NATIVE)
    except OSError:  # it is closed: nothing is written there
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, NATIVE)
    try:
        yield
    finally:
        os.dup2(kept, NATIVE)
        os.close(kept)
        os.close(nowhere)


@functools.cache
def import_tensorflow() -> None:
    """Imports TensorFlow and looks for devices, without the messages of either; to be called before
    whatever else imports it. What is ours is traced as it is written, and variables are made
    quickly."""
    with quiet():
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for GPUs, and says so
    for package in ("t2t_mm", "tensorflow_text"):
        compat.trace_as_written(package)
    compat.make_variables_by_one_kernel()
