"""Which files a piece of code opens: what a user's own `generate` reads is known to nobody else."""

import contextlib
import os
import sys
import sysconfig
from collections.abc import Iterator
from typing import Any

from t2t_mm import files

_LISTENING: list[dict[str, tuple]] = []  # the innermost watch last
# Of Python's and the machine's own: imports, time zones, random numbers.
_OTHERS = (
    *{sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")},
    "/proc",
    "/dev",
)
_OTHERS += ("/sys", "/etc", "/usr/share")
_CODE = (".py", ".pyc", ".so")


@contextlib.contextmanager
def watched(found: dict[str, tuple]) -> Iterator[None]:
    """Adds {path: stamp when it was first opened} to `found`, of each file that Python code opens
    to read, while this lasts. A file that isn't there counts, with an empty stamp.

    Files that C libraries open by themselves are not seen.
    """
    _listen()
    _LISTENING.append(found)
    try:
        yield
    finally:
        _LISTENING.pop()


def _hook(event: str, args: Any) -> None:
    if event != "open" or not _LISTENING or _writes(*args[1:]):
        return
    if not isinstance(args[0], str | bytes | os.PathLike):  # a file descriptor
        return
    path, found = os.path.abspath(os.fsdecode(args[0])), _LISTENING[-1]
    if path not in found and not path.startswith(_OTHERS) and not path.endswith(_CODE):
        found[path] = files.stamped(path)[1:]


def _writes(mode, flags=0):
    if mode is None:  # of os.open
        return bool((flags or 0) & (os.O_WRONLY | os.O_RDWR))
    return any(letter in mode for letter in "wax+")


_HOOKED: list[bool] = []


def _listen():
    """An audit hook, which Python never takes away again; it does nothing while none listens."""
    if not _HOOKED:
        _HOOKED.append(True)
        sys.addaudithook(_hook)
