"""Locks that go when the process that holds them does, however it ends."""

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator

# What a file system answers that knows no locks.
_NONE = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF)
PATIENCE = 0.3  # seconds; somebody may only look whether it is held


class Locked(Exception):
    """Another process holds the lock."""


@contextlib.contextmanager
def locked(path: str | os.PathLike, seconds: float = PATIENCE) -> Iterator[None]:
    """Holds the lock that a file stands for. On a file system that knows no locks this does
    nothing.

    Args:
        path: of the file.
        seconds: how long to wait for another process that holds it.

    Raises:
        Locked: another process holds it.
        OSError: the file can't be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        end = time.monotonic() + seconds
        while not _lock(descriptor):
            if time.monotonic() > end:
                raise Locked(os.fspath(path))
            time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: str | os.PathLike) -> bool:
    """Whether another process holds the lock that a file stands for."""
    descriptor = None
    for access in (os.O_RDWR, os.O_RDONLY):  # NFS locks only what may be written to
        with contextlib.suppress(OSError):
            descriptor = os.open(path, access | os.O_NONBLOCK)
            break
    if descriptor is None:  # nobody has made it
        return False
    try:
        return not _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Takes the lock; whether nobody else holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NONE:
            raise
    return True
