"""Locks that go when the process that holds them does."""

import subprocess
import sys

import pytest

from t2t_mm import locks

HOLD = """
import sys
from t2t_mm import locks
with locks.locked(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_held_by_one_process_and_goes_when_that_is_killed(tmp_path):
    lock = tmp_path / "lock"
    assert not locks.is_locked(lock) and not lock.exists()
    line = [sys.executable, "-c", HOLD, str(lock)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        assert locks.is_locked(lock)
        with pytest.raises(locks.Locked), locks.locked(lock):
            raise AssertionError("two hold it")
        other.kill()
    assert not locks.is_locked(lock)
    with locks.locked(lock):
        assert locks.is_locked(lock)
    assert not locks.is_locked(lock)
