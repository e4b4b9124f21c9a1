"""The allocator keeps what a step frees, unless the user has set it otherwise."""

import os
import subprocess
import sys

import pytest

SET = ("MALLOC_", "GLIBC_TUNABLES")
SCRIPT = """
import mmap, resource
from t2t_mm.execution.allocator import keep_freed_memory

faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
kept = keep_freed_memory()
step = lambda: [bytearray(b"x") * 2**24 for _ in range(8)]
step()
before = faults()
for _ in range(5):
    step()
print(kept, (faults() - before) * mmap.PAGESIZE / 2**27)  # of five steps, each of 128 MiB
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is asked for")
@pytest.mark.parametrize("theirs", [{}, {"MALLOC_ARENA_MAX": "2"}])
def test_blocks_are_asked_for_once(theirs):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(SET)}
    line = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(line, capture_output=True, text=True, env=clean | theirs, timeout=60)
    kept, times = done.stdout.split()
    assert kept == str(not theirs), done.stderr
    assert float(times) > 3 if theirs else float(times) < 0.5
