"""A training run as a process of its own: what studies and searches start."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from t2t_mm.errors import shortened
from t2t_mm.execution.signals import EXIT_CODE

LOG = "log.txt"  # in the run's directory: what the process says
PATIENCE = 120  # seconds that a process has to save and end
_TAIL = 2**14  # bytes of a log that are read
# What a run ends with that was asked to stop, by SIGTERM or Ctrl-C.
_STOPPED = (EXIT_CODE, 128 + signal.SIGINT, -signal.SIGTERM, -signal.SIGINT)


class Process:
    """A command that runs, its output in `LOG` of a directory. It is asked to stop when this
    process ends without it (on Linux; elsewhere it trains to its end).

    Args:
        line: the command line.
        folder: where the log is; exists.
    """

    def __init__(self, line: Sequence[str], folder: Path) -> None:
        self.folder = folder
        with open(folder / LOG, "ab") as log:
            self._process = subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_leash(),
            )

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Asks it to save and end, and waits; kills it if that takes too long."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def was_stopped(self) -> bool:
        """Whether it ended because somebody asked it to."""
        return self._process.returncode in _STOPPED

    def reason(self) -> str:
        """Why it failed: the last line of its log."""
        code = self._process.returncode
        last = _last_line(self.folder / LOG)
        if code == -signal.SIGKILL:
            return f"killed, perhaps for lack of memory; its last line was: {last}"
        return last or f"exit code {code}, without a word"


def command(output_dir: str | os.PathLike, options: Mapping[str, Any]) -> list[str]:
    """The command line of a run.

    Args:
        output_dir: where the run goes. A run that is there goes on.
        options: {flag of t2t_mm_trainer.py: value, or a tuple of several}; those that are empty are
            left out.
    """
    given = {"output_dir": os.fspath(output_dir), **options}
    each = [
        (name, one)
        for name, value in given.items()
        for one in (value if isinstance(value, tuple) else (value,))
    ]
    return [
        sys.executable,
        "-m",
        "t2t_mm",
        "train",
        *(f"--{name}={value}" for name, value in each if value not in ("", None)),
    ]


def _last_line(path: Path) -> str:
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - _TAIL))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return shortened(next((line.strip() for line in reversed(lines) if line.strip()), ""), 500)


def _leash() -> Callable[[], None] | None:
    """Run in the new process: SIGTERM comes when its parent dies. None where there is no such
    thing."""
    if not sys.platform.startswith("linux"):
        return None
    library, parent = ctypes.CDLL(None), os.getpid()
    dies_with_parent = 1  # PR_SET_PDEATHSIG

    def tie() -> None:
        library.prctl(dies_with_parent, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it has died already
            os._exit(EXIT_CODE)

    return tie
