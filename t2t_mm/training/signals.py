"""SIGTERM as a request to stop: the step in flight ends, a checkpoint is written, the exit code says which it was."""

import contextlib
import signal
import threading

EXIT_CODE = 143  # 128 + SIGTERM, as shells have it: stopped from outside, to be started again


class Terminated(SystemExit):
    """The run was told to stop, and has saved."""

    def __init__(self):
        super().__init__(EXIT_CODE)


@contextlib.contextmanager
def termination():
    """Gives a function that says whether SIGTERM has come. Outside the main thread signals stay as they are."""
    told = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield told.is_set
        return
    before = signal.signal(signal.SIGTERM, lambda *_: told.set())
    try:
        yield told.is_set
    finally:
        signal.signal(signal.SIGTERM, before)
