"""Lets a caller see what layers compute inside: attention weights, chosen experts."""

import contextlib
from collections.abc import Iterator
from typing import Any

_seen = None


@contextlib.contextmanager
def watching() -> Iterator[list]:
    """In this context every `show` adds (kind, value) to the list, in the order of the calls.

    The model must not be compiled: only values of eager calls can be seen.
    """
    global _seen
    _seen = []
    try:
        yield _seen
    finally:
        _seen = None


def show(kind: str, value: Any) -> None:
    """Adds a tensor, or a tuple of them, to the list of `watching`, if there is one."""
    if _seen is not None:
        _seen.append((kind, value))
