"""How many threads an operation has: set once in a process, before anything is computed."""

import os
import sys

import pytest

from t2t_mm.execution import threads
from tests import commands

ASKS = """
import os, sys
import tensorflow as tf
from t2t_mm.execution import strategies, threads
threads._cores = lambda: int(sys.argv[2])
threads.suit(int(sys.argv[1]))
assert tf.reduce_sum(tf.ones([3, 3])) == 9
print(strategies.device_name())
"""


@pytest.mark.parametrize(
    ("width", "cores", "given", "told"),
    [
        (128, 2, "", "CPU, one thread an operation"),
        (256, 2, "", "CPU, all threads"),
        (128, 4, "", "CPU, all threads"),
        (128, 2, "2", "CPU, all threads"),
    ],
)
def test_operations_of_small_models_have_one_thread_on_two_cores(width, cores, given, told):
    environment = {key: value for key, value in os.environ.items() if key != threads.VARIABLE}
    environment |= {threads.VARIABLE: given} if given else {}
    line = [sys.executable, "-c", ASKS, width, cores]
    done = commands.run(line, env=environment)
    assert done.returncode == 0 and done.stdout.strip() == told, done.stderr


def test_cores_are_those_that_the_process_may_use():
    assert 1 <= threads._cores() <= os.cpu_count()
