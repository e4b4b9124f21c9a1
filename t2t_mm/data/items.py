"""What a reader gives in place of an example: what is broken, and what is left out."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple


class Broken(NamedTuple):
    """An example that can't be used: where it is (file and line), and what is wrong with it."""

    where: str
    reason: str


class LeftOut(NamedTuple):
    """Something that is neither an example nor a mistake, such as an empty line."""

    reason: str


def load(item: Any, loader: Callable[[Any], Iterable]) -> Iterable:
    """What a listed item becomes: (key, example) pairs, `Broken` and `LeftOut`."""
    return [item] if isinstance(item, Broken | LeftOut) else loader(item)
