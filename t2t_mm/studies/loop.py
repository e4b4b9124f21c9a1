"""Works through the runs of a study, each a process of its own, one at a time.

Several processes, on one machine or on several with a shared directory, share the work: whoever
makes a run holds a lock in its folder.
"""

import math
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from t2t_mm import locks
from t2t_mm.errors import UserError
from t2t_mm.reporting.console import Console
from t2t_mm.studies.plan import RUN_LOCK, Plan, Task
from t2t_mm.studies.results import Row

TAKEN = 75  # exit code of a process that finds its run taken by another
LOG = "study.log"  # what a run has printed
PAUSE = 2.0  # seconds between looks at the runs of others


class Loop:
    """Makes the runs of a study that are not done.

    Args:
        plan: the study.
        command: the command line that makes a run, and adds its row.
        console: where to log.
    """

    def __init__(self, plan: Plan, command: Callable[[Task], list[str]], console: Console) -> None:
        self.plan, self.command, self.console = plan, command, console
        self.failed: dict[str, str] = {}  # str(task) -> the last line of its log

    def run(self) -> None:
        """Returns when every run is done, also those that other processes make.

        Raises:
            UserError: some have failed; the others are done all the same.
        """
        while left := self._left():
            task = next(filter(self._is_ready, left), None)
            if task:
                self._make(task)
            elif any(self._is_taken(each) for each in left):
                time.sleep(PAUSE)
            else:
                break
        if self.failed:
            name, reason = next(iter(self.failed.items()))
            raise UserError(
                f"{len(self.failed)} runs of {self.plan.name} failed. The first, {name}: {reason} "
                f"What each has printed is in its folder under {self.plan.folder / 'runs'}, in "
                f"{LOG}; the same command tries them again."
            )

    def _left(self) -> list[Task]:
        rows = self.plan.results.rows()
        return [
            task
            for task in self.plan.tasks()
            if not self.plan.row(task, rows) and str(task) not in self.failed
        ]

    def _is_ready(self, task: Task) -> bool:
        if self._is_taken(task):
            return False
        source = self.plan.source(task)
        if not source:
            return True
        if str(source) in self.failed:
            self.failed[str(task)] = f"{source}, from which it starts, failed."
            return False
        # the weights may have been deleted since it was done: then it is made again
        return bool(self.plan.row(source, self.plan.results.rows()))

    def _is_taken(self, task: Task) -> bool:
        return locks.is_locked(task.folder / RUN_LOCK)

    def _make(self, task: Task) -> None:
        task.folder.mkdir(parents=True, exist_ok=True)
        log = task.folder / LOG
        started = time.monotonic()
        with open(log, "ab") as file:
            code = _wait(subprocess.Popen(self.command(task), stdout=file, stderr=file))
        if code == TAKEN:
            return
        rows = self.plan.results.rows()
        row = self.plan.row(task, rows)
        if code or not row:
            self.failed[str(task)] = _last_line(log) or f"exit code {code}"
            self.console.log(f"{task}: failed: {self.failed[str(task)]}")
            return
        done = sum(1 for each in self.plan.tasks() if self.plan.row(each, rows))
        total = sum(1 for _ in self.plan.tasks())
        seconds = round(time.monotonic() - started)
        self.console.log(f"{task}: {_shown(row)} ({seconds:,} s; {done} of {total} runs done)")


def make_once(plan: Plan, task: Task, work: Callable[[], Row]) -> int:
    """Makes a run, unless it is done or another process is at it, and adds its row.

    Args:
        plan: the study.
        task: which run.
        work: makes it, and gives its row.

    Returns:
        The exit code of a process that does nothing else.
    """
    task.folder.mkdir(parents=True, exist_ok=True)
    try:
        with locks.locked(task.folder / RUN_LOCK):
            if not plan.row(task, plan.results.rows()):
                plan.results.add(work())
    except locks.Locked:
        return TAKEN
    return 0


def _wait(process: subprocess.Popen) -> int:
    """The exit code of a process. What ends us ends it first: it saves, and can go on later."""

    def leave(number: int, frame: Any) -> None:
        raise _Asked(number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        return process.wait()
    except _Asked as asked:
        for number in before:  # once is enough
            signal.signal(number, signal.SIG_IGN)
        process.send_signal(asked.number)
        process.wait()
        raise SystemExit(128 + asked.number) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Asked(BaseException):
    """A signal has come."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("error: ")[:300] if lines else ""


def _shown(row: Row) -> str:
    """A figure of each problem."""
    firsts = ((name, *next(iter(each.items()))) for name, each in row["figures"].items())
    return ", ".join(
        f"{name} {metric} {math.nan if each['value'] is None else each['value']:.4g}"
        for name, metric, each in firsts
    )
