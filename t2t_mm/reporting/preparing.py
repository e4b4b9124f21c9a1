"""Shows how far the preparation of data is: a bar on a terminal, a line now and then in a log."""

import time

import rich.progress

LINE_EVERY = 10.0  # seconds


class Preparing:
    """Takes datasets.options.Status objects and shows them; use as a context manager.

    Args:
        console: training.console.Console.
    """

    def __init__(self, console):
        self.console = console
        self._bar = self._task = self._what = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._end()

    def __call__(self, status):
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
            self.console.log(f"{status.name}: {self._told(status)}")

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

    def _told(self, status):
        seconds = time.monotonic() - self._started
        rate = (status.done - self._first) / seconds
        told = f"{status.done:,} of {status.total:,}" if status.total else f"{status.done:,}"
        told += (
            f" {'merged' if status.merging else 'read'}, {size(status.size)}, {rate:,.0f} a second"
        )
        if status.total and rate:
            minutes, seconds = divmod(round((status.total - status.done) / rate), 60)
            told += f", {minutes}:{seconds:02} left"
        return told + (f" ({status.found:,} were done before)" if status.found else "")


def size(count: int) -> str:
    """A number of bytes as a person reads it: "3.1 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
