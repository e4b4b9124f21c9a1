"""Works through the runs of a study, each a process of its own, one at a time.

Several processes, on one machine or on several with a shared directory, share the work: whoever
makes a run holds a lock in its folder.
"""

import math
import time
from collections.abc import Callable, Sequence

from t2t_mm import locks
from t2t_mm.errors import UserError
from t2t_mm.execution.signals import StopSignals
from t2t_mm.reporting.console import Console
from t2t_mm.runs import child
from t2t_mm.studies.plan import RUN_LOCK, Plan, Task
from t2t_mm.studies.results import Row

TAKEN = 75  # exit code of a process that finds its run taken by another
PAUSE = 0.5  # seconds between looks at runs


class Loop:
    """Makes the runs of a study that are not done.

    Args:
        plan: the study.
        command: the command line that makes a run, and adds its row.
        console: where to log.
    """

    def __init__(self, plan: Plan, command: Callable[[Task], list[str]], console: Console) -> None:
        self.plan, self.command, self.console = plan, command, console
        self.signals = StopSignals()
        self.failed: dict[str, str] = {}  # str(task) -> the last line of its log

    def run(self) -> None:
        """Returns when every run is done, also those that other processes make.

        Raises:
            UserError: some have failed; the others are done all the same.
            KeyboardInterrupt, Terminated: a signal has come; the run that was made was stopped.
        """
        with self.signals:
            while left := self._left(rows := self.plan.results.rows()):
                task = next((each for each in left if self._is_ready(each, rows)), None)
                if task:
                    self._make(task)
                else:  # others make what is left, or have just ended
                    self._pause()
        if self.failed:
            name, reason = next(iter(self.failed.items()))
            raise UserError(
                f"{len(self.failed)} runs of {self.plan.name} failed. The first, {name}: {reason} "
                f"What each has printed is in its folder under {self.plan.folder / 'runs'}, in "
                f"{child.LOG}; the same command tries them again."
            )

    def _left(self, rows: Sequence[Row]) -> list[Task]:
        return [
            task
            for task in self.plan.tasks()
            if not self.plan.row(task, rows) and str(task) not in self.failed
        ]

    def _is_ready(self, task: Task, rows: Sequence[Row]) -> bool:
        if self._is_taken(task):
            return False
        source = self.plan.source(task)
        if not source:
            return True
        if str(source) in self.failed:
            self.failed[str(task)] = f"{source}, from which it starts, failed."
            return False
        return bool(self.plan.row(source, rows))

    def _is_taken(self, task: Task) -> bool:
        return locks.is_locked(task.folder / RUN_LOCK)

    def _make(self, task: Task) -> None:
        task.folder.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        process = child.Process(self.command(task), task.folder)
        while (code := process.poll()) is None:
            self._pause(process)
        if code == TAKEN:
            self._pause()
            return
        row = self.plan.row(task, self.plan.results.rows())
        if process.was_stopped:
            raise UserError(f"{task} was stopped by a signal. The same command goes on with it.")
        if code or not row:
            self.failed[str(task)] = process.reason().removeprefix("error: ")
            self.console.log(f"{task}: failed: {self.failed[str(task)]}")
            return
        done, total = len(self.plan.rows()), len(self.plan.tasks())
        seconds = round(time.monotonic() - started)
        self.console.log(f"{task}: {_shown(row)} ({seconds:,} s; {done} of {total} runs done)")

    def _pause(self, process: child.Process | None = None) -> None:
        """Waits a moment. What ends us first ends the run, which saves and can go on later."""
        if self.signals.asked():
            if process:
                process.stop()
            self.console.log("Stopped. The same command goes on.")
            self.signals.leave()
        time.sleep(PAUSE)


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


def _shown(row: Row) -> str:
    """A figure of each problem."""
    firsts = ((name, *next(iter(each.items()))) for name, each in row["figures"].items())
    return ", ".join(
        f"{name} {metric} {math.nan if each['value'] is None else each['value']:.4g}"
        for name, metric, each in firsts
    )
