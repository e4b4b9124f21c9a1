"""The line that a command ends with: what it took, and where its result is."""

import resource
import sys
import time
from typing import NamedTuple

from t2t_mm.reporting.times import clock

# What ru_maxrss counts in.
_UNIT = 1 if sys.platform == "darwin" else 1024


class Spent(NamedTuple):
    """What a process and those that it started have used so far.

    Attributes:
        seconds: by the clock, from some moment on.
        cpu: seconds of all cores.
        memory: the most bytes that one of the processes has held.
    """

    seconds: float
    cpu: float
    memory: int


def spent() -> Spent:
    """What was used so far."""
    each = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(used.ru_utime + used.ru_stime for used in each)
    return Spent(time.monotonic(), cpu, max(used.ru_maxrss for used in each) * _UNIT)


def line(before: Spent, now: Spent, where: str | None = None) -> str:
    """The last line of a command.

    Args:
        before, now: from `spent`, when the command began and when it ended.
        where: the path of its result; None if that was printed.
    """
    took = f"{_time(now.seconds - before.seconds)} ({_time(now.cpu - before.cpu)} of CPU)"
    told = f"Took {took}, at most {now.memory / 2**20:,.0f} MB of memory."
    return f"{told} The result is in {where}" if where else told


def _time(seconds: float) -> str:
    """12.3 s, 5:07 min or 3:25:07 h."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{clock(seconds)} {'min' if round(seconds) < 3600 else 'h'}"
