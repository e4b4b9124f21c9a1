"""Runs commands as a shell would, in processes that have imported TensorFlow already.

The import is most of what a small command costs. A server imports it once and forks for each
command; what the import says, and how long --help takes without it, is for tests of their own.
"""

import atexit
import contextlib
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["tests.imported"])


class Command:
    """A process that runs a command line of Python: a script, `-m module` or `-c code`.

    Args:
        line: as for `subprocess.Popen`, Python's path first.
        cwd: the directory to run in; None: this one.
        env: all of its environment; None: a copy of this one's.
        input: what its standard input holds.
    """

    def __init__(
        self,
        line: Sequence[Any],
        cwd: Path | str | None = None,
        env: Mapping[str, str] | None = None,
        input: str = "",
    ) -> None:
        self.line = [str(word) for word in line]
        assert self.line[0] == sys.executable, self.line
        self._folder = tempfile.TemporaryDirectory()
        place = Path(self._folder.name)
        self._files = [place / name for name in ("input", "output", "errors")]
        for path, text in zip(self._files, (input, "", ""), strict=True):
            path.write_text(text)
        target = (self.line[1:], str(cwd or Path.cwd()), dict(os.environ if env is None else env))
        self.process = _server.Process(target=_run, args=(*target, list(map(str, self._files))))
        self.process.start()
        self.pid = self.process.pid

    @property
    def stdout(self) -> str:
        """What it has said so far."""
        return self._files[1].read_text()

    @property
    def stderr(self) -> str:
        """What it has said of its errors so far."""
        return self._files[2].read_text()

    @property
    def returncode(self) -> int | None:
        """Its exit code; minus the signal that ended it; None while it runs."""
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        """As `subprocess.Popen` does: one that has ended gets none."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self, timeout: float = 300) -> int:
        """Waits for its end: its exit code. After `timeout` seconds it is killed."""
        self.process.join(timeout)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
            raise subprocess.TimeoutExpired(self.line, timeout, self.stdout, self.stderr)
        return self.process.exitcode


def run(line: Sequence[Any], timeout: float = 300, **options: Any) -> subprocess.CompletedProcess:
    """Runs a `Command` to its end."""
    command = Command(line, **options)
    code = command.wait(timeout)
    return subprocess.CompletedProcess(command.line, code, command.stdout, command.stderr)


def _run(words, cwd, environment, files):
    """In the forked process: what Python's own start would do, then the command."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    modes = ("r", "w", "w")
    for number, (path, mode) in enumerate(zip(files, modes, strict=True)):
        with open(path, mode) as file:
            os.dup2(file.fileno(), number)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(i, mode) for i, mode in enumerate(modes))
    first, *rest = words
    try:
        if first == "-m":
            sys.argv, sys.path[:0] = rest, [cwd]
            runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        elif first == "-c":
            sys.argv, sys.path[:0] = ["-c", *rest[1:]], [cwd]
            exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
        else:
            sys.argv, sys.path[:0] = words, [str(Path(first).parent)]
            runpy.run_path(first, run_name="__main__")
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
