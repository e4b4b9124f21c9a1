"""Locks that go when the process that holds them does, however it ends."""

import contextlib
import errno
import fcntl
import itertools
import os
import time
from collections.abc import Iterator

# What a file system answers that knows no locks.
_NONE = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF)
LOOKS = 3


class Locked(Exception):
    """Another process holds the lock."""


@contextlib.contextmanager
def locked(path: str | os.PathLike, waits: bool = False) -> Iterator[None]:
    """Holds the lock that a file stands for. On a file system that knows no locks this does
    nothing.

    Args:
        path: of the file.
        waits: whether it waits for another process that holds it, however long that takes.

    Raises:
        Locked: another process holds it, and `waits` is false.
        OSError: the file can't be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        for look in itertools.count(1):
            if _lock(descriptor):
                break
            time.sleep(0.1)  # perhaps somebody only looks whether it is held
            if look >= LOOKS and not waits:
                raise Locked(os.fspath(path))
        yield
    finally:
        os.close(descriptor)


def is_locked(path: str | os.PathLike) -> bool:
    """Whether another process holds the lock that a file stands for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:  # nobody has made it
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
