"""What a sentence of the mini world means, free of any language.

A meaning is a small tree of frozen dataclasses. The three languages realise the same tree
(`english.py`, `german.py`, `french.py`), and no two meanings share a sentence in any of them, so
each language determines the other two.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

MANY = 0  # the count of a plural without a numeral ("the red circles")


@dataclass(frozen=True)
class Thing:
    """A group of equal shapes: "a big red circle", "these two stars", "my ring above the moon"."""

    shape: str
    colour: str = ""
    size: str = ""
    count: int = 1  # 1 to 5, or MANY
    determiner: str = "a"  # a (nothing before a numeral), the, this, my, every
    place: Place | None = None

    @property
    def plural(self) -> bool:
        return self.count != 1


@dataclass(frozen=True)
class Pair:
    """Two things joined by "and"."""

    first: Thing
    second: Thing

    plural = True


@dataclass(frozen=True)
class Place:
    """Where something is: a relation to a thing or to a pair of things."""

    relation: str
    to: Thing | Pair


@dataclass(frozen=True)
class Quality:
    """One or two adjectives said of a subject: "red", "very big", "small and blue"."""

    adjectives: tuple[str, ...]
    very: bool = False


@dataclass(frozen=True)
class Exists:
    """There is a thing."""

    what: Thing


@dataclass(frozen=True)
class Is:
    """A subject has a quality or a place, or has it not."""

    what: Thing | Pair
    how: Quality | Place
    negated: bool = False


@dataclass(frozen=True)
class Acts:
    """A subject does something to an object: touches, hides, resembles."""

    what: Thing
    verb: str
    to: Thing


@dataclass(frozen=True)
class Sees:
    """A person sees things, or sees that something is so."""

    who: str  # i, we, he, she
    what: Thing | Pair | Exists | Is | Acts


@dataclass(frozen=True)
class Joined:
    """Two main clauses joined by "and" or "but"."""

    first: Exists | Is | Acts
    conjunction: str
    second: Exists | Is | Acts


Clause = Exists | Is | Acts | Sees | Joined


def split_of(clause: Clause) -> str:
    """The split a meaning belongs to, the same in every configuration: 90% train, 5% validation, 5%
    test.

    It depends on the meaning alone, so no scene of one split occurs in another, in whatever form.
    """
    digest = hashlib.sha256(repr(clause).encode()).digest()
    part = int.from_bytes(digest[:4], "big") % 20
    return {0: "validation", 1: "test"}.get(part, "train")
