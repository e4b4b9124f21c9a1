"""A short run of the fuzzer; `python -m tests.fuzz --cases=5000` is the long one."""

import faulthandler
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from t2t_mm.errors import UserError
from tests.fuzz import mutations
from tests.fuzz.runner import Found, Kind, run

ROOT = Path(__file__).parents[2]


def test_twelve_cases_give_no_traceback_no_hang_and_no_signal():
    line = [sys.executable, "-m", "tests.fuzz", "--cases=12", "--seed=1"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr


def _cases(random, used, folder, tried):
    number = used.pop(0)
    tried[0] = f"the number {number}"
    if number == 1:
        raise UserError("no")
    if number == 2:
        raise ValueError("a fault")
    if number == 3:
        time.sleep(600)
    if number == 5:
        faulthandler.disable()  # whose report would stand among the test results
        os.abort()


def test_what_must_not_be_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.fuzz.runner.HANG", 5.0)
    left = []  # of the child that runs the cases

    def begin(place):
        return left

    found, kind = Found(), Kind("toy", 1.0, begin, _cases)
    for number in range(6):
        left[:] = [number]
        run(kind, [number], 0, tmp_path, found)
    assert (found.cases, found.refused) == (6, 1) and not found.is_good
    assert len(found.tracebacks) == 1 and "the number 2: ValueError: a fault" in found.tracebacks[0]
    assert found.hangs == ["toy 3"] and found.signals == ["toy 5: SIGABRT"]


def test_damage_follows_from_the_seed_alone():
    content, value = b"some bytes of a file", {"a": [1, {"b": "text"}], "c": 2.5}
    for seed in range(20):
        one, two = Random(seed), Random(seed)
        assert mutations.of_bytes(one, content) == mutations.of_bytes(two, content)
        assert json.dumps(mutations.of_json(one, value)) == json.dumps(
            mutations.of_json(two, value)
        )
