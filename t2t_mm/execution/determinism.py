"""What is random in a run, and what must not be: seeds of initial values, deterministic
operations."""

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from t2t_mm import compat


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Initial values, and whatever else is drawn within from Python's or NumPy's global generator,
    follow from `seed` alone; afterwards both generators are as they were before.

    Keras draws the seeds of its initializers from Python's generator. TensorFlow's own seed is left
    alone: setting it would drop every kernel that the process has made.
    """
    python, numpy = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def make_deterministic() -> None:
    """Has TensorFlow choose operations that give the same bits each time, for the rest of the
    process. To be called before anything is built."""
    tf.random.set_seed(0)
    tf.config.experimental.enable_op_determinism()
    compat.sum_in_order()
    # It would make one AddN of several sums again.
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})
