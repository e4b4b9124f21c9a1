"""SIGTERM and Ctrl-C as requests to stop at the next good moment."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator

EXIT_CODE = 143  # 128 + SIGTERM, as shells have it: stopped from outside, to be started again


class Terminated(SystemExit):
    """The process was asked to stop from outside, and has saved what there was to save."""

    def __init__(self) -> None:
        super().__init__(EXIT_CODE)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """A SIGTERM that comes meanwhile is dealt with afterwards, and by the handler from before.

    For what sets a handler of its own: TensorFlow, in the workers of a cluster, for a notice that
    nobody here waits for. Threads that begin meanwhile leave SIGTERM to the others for good.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler or signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class StopSignals:
    """Notes SIGTERM and SIGINT (Ctrl-C) while it is used as a context manager; `asked` says whether
    one has come. May be entered several times, one within the other.

    A second Ctrl-C interrupts at once, as ever. Outside the main thread signals stay as they are.

    Attributes:
        number: the first signal that has come; None before.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict = {}
        self._depth = 0

    def asked(self) -> bool:
        """Whether a signal has come."""
        return self.number is not None

    @property
    def is_interrupt(self) -> bool:
        """Whether the signal was Ctrl-C."""
        return self.number == signal.SIGINT

    def leave(self) -> None:
        """Ends the process as the signal wants it: KeyboardInterrupt after Ctrl-C, else
        Terminated (also where the signal came to another worker)."""
        raise KeyboardInterrupt if self.is_interrupt else Terminated

    def __enter__(self) -> "StopSignals":
        self._depth += 1
        if self._depth == 1:
            self.number = None
            if threading.current_thread() is threading.main_thread():
                for number in (signal.SIGTERM, signal.SIGINT):
                    self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *exception) -> None:
        self._depth -= 1
        while not self._depth and self._before:
            signal.signal(*self._before.popitem())

    def _take(self, number, frame):
        if number == signal.SIGINT:
            if self.number == signal.SIGINT:
                raise KeyboardInterrupt
            # print is not for signal handlers
            os.write(2, b"\nStopping after this step or batch; Ctrl-C again stops at once.\n")
        self.number = self.number or number
