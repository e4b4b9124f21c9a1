"""What the C library does with memory that is freed."""

import ctypes
import os

# parameters of glibc's mallopt(3)
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8
_MIB = 2**20


def keep_freed_memory() -> bool:
    """Has the allocator keep the memory that a step frees, for the next one; before TensorFlow is
    imported.

    By default large blocks are given back to the system and asked for again, page by page: half a
    million page faults a step on pictures, a quarter of its time. Where the user has set the
    allocator by its own variables, or it is another than glibc's, nothing is changed.

    Returns:
        Whether it will.
    """
    if any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    wanted = {
        _MMAP_THRESHOLD: 32 * _MIB,  # the most that it takes
        _TRIM_THRESHOLD: 2**31 - 1,
        _TOP_PAD: 64 * _MIB,
        _ARENA_MAX: 1,
    }
    return all([mallopt(name, value) == 1 for name, value in wanted.items()])
