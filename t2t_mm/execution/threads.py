"""How many threads compute one operation."""

import contextlib
import os

import tensorflow as tf

SMALL = 128  # the widest body whose operations are too small to be shared out
VARIABLE = "TF_NUM_INTRAOP_THREADS"


def suit(width: int) -> None:
    """On two cores, gives each operation of a small model one thread; two run side by side.

    TensorFlow shares out each operation over all cores, and the threads of small ones wait for each
    other: a step of `multimodel_tiny` on mini8 takes a fifth more CPU-seconds so, and a twentieth
    more time. With the width of `multimodel_small` it is one thread that takes longer.
    What more cores would gain was not measured: there, with a GPU, and where TF_NUM_INTRAOP_THREADS
    is set, nothing is changed.

    Args:
        width: `hidden_size` of the model. Of use before anything is computed.
    """
    is_for_us = width <= SMALL and _cores() == 2 and VARIABLE not in os.environ
    if is_for_us and not tf.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError):  # something was computed before
            tf.config.threading.set_intra_op_parallelism_threads(1)


def _cores() -> int:
    """Those that this process may use."""
    there = getattr(os, "sched_getaffinity", None)
    return len(there(0)) if there else os.cpu_count() or 1
