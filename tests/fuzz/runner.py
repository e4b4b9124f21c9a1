"""Runs cases in forked children, with a limit of memory, and counts what must not be: tracebacks,
hangs, signals."""

import dataclasses
import gc
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random

BATCH = 250  # cases that a child runs
HANG, BEGIN = 60.0, 600.0  # seconds that a case, and what comes before the first, may take
MEMORY = 6 * 2**30  # bytes of addresses that a child may take beyond those it starts with


@dataclasses.dataclass
class Kind:
    """A kind of cases.

    Attributes:
        name: of the kind.
        share: of all cases.
        begin: function of the folder that place.make has filled, called once in each child, whose
            result each case is given.
        case: function of (random, what `begin` gave, an empty folder), that says what was tried,
            and raises what is no mistake of the user.
    """

    name: str
    share: float
    begin: Callable
    case: Callable


@dataclasses.dataclass
class Found:
    """What came of the cases of a kind."""

    cases: int = 0
    refused: int = 0
    tracebacks: list[str] = dataclasses.field(default_factory=list)
    hangs: list[str] = dataclasses.field(default_factory=list)
    signals: list[str] = dataclasses.field(default_factory=list)
    memory: int = 0  # bytes above the start, at most
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether nothing was found that must not be."""
        return not (self.tracebacks or self.hangs or self.signals)


def run(kind: Kind, numbers: list[int], seed: int, place: Path, found: Found) -> None:
    """Runs cases, each by its number, in children; adds what comes of them to `found`."""
    started, left = time.monotonic(), list(numbers)
    while left:
        batch, rest = left[:BATCH], left[BATCH:]
        done = _child(kind, batch, seed, place, found)
        left = batch[done:] + rest
    found.seconds += time.monotonic() - started


def _child(kind, numbers, seed, place, found) -> int:
    """Runs cases in one child until one hangs or kills it; how many are done."""
    mine, its = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(mine)
            _work(kind, numbers, seed, place, its)
        finally:
            os._exit(0)
    os.close(its)
    done, ended = 0, False
    with open(mine, "rb", buffering=0) as pipe:
        lines = _Lines(pipe)
        begun = lines.next(BEGIN) or {"failed": "no answer"}
        if begun["failed"]:
            raise RuntimeError(f"cases of {kind.name} can't begin: {begun['failed']}")
        while not ended and (line := lines.next(HANG)) is not None:
            ended = "memory" in line
            done += _count(kind, line, found)
    if not ended and lines.is_late:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if ended:
        return done
    told = f"{kind.name} {numbers[done]}"
    if lines.is_late:
        found.hangs.append(told)
    else:
        code = os.waitstatus_to_exitcode(status)
        found.signals.append(f"{told}: {signal.Signals(-code).name if code < 0 else code}")
    found.cases += 1
    return done + 1


def _count(kind, line, found) -> int:
    """Adds what a child says; 1 if that is a case."""
    if "memory" in line:
        found.memory = max(found.memory, line["memory"])
        return 0
    found.cases += 1
    found.refused += line["refused"]
    if line["error"]:
        found.tracebacks.append(f"{kind.name} {line['case']}: {line['error']}")
    return 1


class _Lines:
    """JSON lines from a pipe. `is_late`: whether the last wait ended without one."""

    def __init__(self, pipe):
        self.pipe, self.rest, self.is_late = pipe, b"", False

    def next(self, seconds):
        end = time.monotonic() + seconds
        while b"\n" not in self.rest:
            self.is_late = not select.select([self.pipe], [], [], end - time.monotonic())[0]
            part = b"" if self.is_late else os.read(self.pipe.fileno(), 2**16)
            if not part:
                return None
            self.rest += part
        line, _, self.rest = self.rest.partition(b"\n")
        return json.loads(line)


def _work(kind, numbers, seed, place, pipe):
    """What a child does: lines of JSON say how far it is."""

    def say(**values):
        os.write(pipe, json.dumps(values).encode() + b"\n")

    with open(os.devnull, "r+") as null:
        for descriptor in (0, 1, 2):
            os.dup2(null.fileno(), descriptor)
    try:
        used = kind.begin(place)
    except BaseException:
        say(failed=traceback.format_exc())
        raise
    gc.freeze()  # a collection would write to all that the parent has made, and so copy it
    say(failed="")
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _limit_memory()
    for number in numbers:
        say(case=number, **_one(kind, used, number, seed, place))
    say(memory=(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) * 1024)


def _limit_memory():
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _one(kind, used, number, seed, place):
    from t2t_mm.errors import UserError
    from t2t_mm.registry import RegistryError

    random, tried = Random(f"{seed} {kind.name} {number}"), [""]
    folder = Path(tempfile.mkdtemp(prefix="case", dir=place))
    error, refused = "", False
    try:
        os.chdir(folder)
        kind.case(random, used, folder, tried)
    except (UserError, RegistryError) as mistake:
        refused = True
        if len(str(mistake)) > 5000:
            error = f"{tried[0]}: a message of {len(str(mistake)):,} characters"
    except BaseException as fault:  # noqa: B036 an exit would end the child
        frames = traceback.extract_tb(fault.__traceback__)
        where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
        error = f"{tried[0]}: {type(fault).__name__}: {str(fault)[:300]} ({where})"
    os.chdir("/")
    shutil.rmtree(folder, ignore_errors=True)
    return {"refused": refused, "error": error}


def show(found: dict[str, Found], out=sys.stdout) -> None:
    """Prints a table of all kinds, and what was found."""
    print(
        f"{'kind':10} {'cases':>6} {'refused':>8} {'tracebacks':>10} {'hangs':>6} {'signals':>8} "
        f"{'memory above start':>19} {'seconds':>8}",
        file=out,
    )
    for name, each in found.items():
        print(
            f"{name:10} {each.cases:6} {each.refused:8} {len(each.tracebacks):10} "
            f"{len(each.hangs):6} {len(each.signals):8} {each.memory / 2**20:15.0f} MiB "
            f"{each.seconds:8.0f}",
            file=out,
        )
    for each in found.values():
        for title in ("tracebacks", "hangs", "signals"):
            for line in getattr(each, title):
                print(f"{title[:-1]}: {line}", file=out)
