"""SIGTERM and Ctrl-C as requests to stop: the step in flight ends, a checkpoint is written, then
the process ends."""

import contextlib
import os
import signal
import threading

EXIT_CODE = 143  # 128 + SIGTERM, as shells have it: stopped from outside, to be started again


class Terminated(SystemExit):
    """The run was told to stop, and has saved."""

    def __init__(self):
        super().__init__(EXIT_CODE)


@contextlib.contextmanager
def termination():
    """Gives a function that says which signal has come: SIGTERM, SIGINT or None.

    A second Ctrl-C interrupts at once, as ever. Outside the main thread signals stay as they are.
    """
    told = []

    def take(number, frame):
        if number == signal.SIGINT and signal.SIGINT in told:
            raise KeyboardInterrupt
        if number == signal.SIGINT:  # print is not for signal handlers
            os.write(2, b"\nStopping when this step has ended; Ctrl-C again stops at once.\n")
        told.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = {number: signal.signal(number, take) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: told[0] if told else None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
