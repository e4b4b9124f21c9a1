"""Shows how far the preparation of data is: a bar on a terminal, a line now and then in a log."""

import time
from typing import Any

import rich.progress

from t2t_mm.data.writing.options import Status
from t2t_mm.reporting.console import Console
from t2t_mm.reporting.times import clock

LINE_EVERY = 10.0  # seconds


class Preparing:
    """Takes Status objects and shows them; use as a context manager.

    Args:
        console: where to show them.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bar: rich.progress.Progress | None = None
        self._task = self._what = None
        self._first, self._started, self._printed = 0, 0.0, 0.0

    def __enter__(self) -> "Preparing":
        return self

    def __exit__(self, *exception: Any) -> None:
        self._end()

    def __call__(self, status: Status) -> None:
        what = (status.name, status.merging)
        if what != self._what:
            self._begin(what, status)
        if self._bar:
            self._bar.update(
                self._task, completed=status.done, total=status.total, size=size(status.size)
            )
            if status.done == status.total:
                self._end()
        elif time.monotonic() - self._printed >= LINE_EVERY:
            self._printed = time.monotonic()
            self.console.log(f"{status.name}: {self._state(status)}")

    def _begin(self, what, status):
        self._end()
        self._what, self._started, self._printed = what, time.monotonic(), time.monotonic()
        self._first = status.done
        if self.console.is_terminal:
            verb = "merging" if status.merging else "reading"
            columns = (
                f"[bold]{status.name}",
                verb,
                rich.progress.BarColumn(),
                rich.progress.MofNCompleteColumn(),
                "{task.fields[size]}",
                rich.progress.TimeRemainingColumn(),
            )
            self._bar = rich.progress.Progress(*columns, console=self.console.rich, transient=True)
            self._task = self._bar.add_task("", total=status.total, completed=status.done, size="")
            self._bar.start()

    def _end(self):
        if self._bar:
            self._bar.stop()
        self._bar = self._what = None

    def _state(self, status) -> str:
        seconds = time.monotonic() - self._started
        rate = (status.done - self._first) / seconds
        of = f" of {status.total:,}" if status.total else ""
        done = "merged" if status.merging else "read"
        text = f"{status.done:,}{of} {done}, {size(status.size)}, {rate:,.0f} per second"
        if status.total and rate:
            text += f", {clock((status.total - status.done) / rate)} left"
        return text + (f" ({status.found:,} were done before)" if status.found else "")


def size(count: float) -> str:
    """A number of bytes as a person reads it: "3.1 MB"."""
    if count < 1000:
        return f"{count:,.0f} B"
    for unit in ("kB", "MB"):
        count /= 1000
        if count < 1000:
            return f"{count:,.1f} {unit}"
    return f"{count / 1000:,.1f} GB"
