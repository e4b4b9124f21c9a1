"""Sampling of scenes: for sentences (text, speech), and for pictures (image classes, captions).

Samplers take a `random.Random`, so a seed fixes every scene.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

from t2t_mm.data.mini_world import english
from t2t_mm.data.mini_world.lexicon import COLOURS, RELATIONS, SEERS, SHAPES, SIZES, VERBS
from t2t_mm.data.mini_world.meaning import (
    MANY,
    Acts,
    Clause,
    Exists,
    Is,
    Joined,
    Pair,
    Place,
    Quality,
    Sees,
    Thing,
    split_of,
)

MAX_WORDS = 16
DEFINITE = ("the", "the", "the", "this", "my")
ANY = ("a", "a", "a", "the", "the", "the", "this", "my", "every")


Sampler = Callable[[Random], Clause]


def sample_split(
    sampler: Sampler, split: str, count: int, rng: Random, unique: bool
) -> Iterator[Clause]:
    """Yields `count` meanings of one split; with `unique`, none of them twice."""
    seen = set()
    while count:
        clause = sampler(rng)
        if split_of(clause) != split or clause in seen:
            continue
        if unique:
            seen.add(clause)
        count -= 1
        yield clause


# ---- Sentences


def described(rng: Random) -> Clause:
    """A sentence of 4 to 16 English words in any form of the grammar; one in five has a second
    clause."""
    while True:
        clause = of_any_length(rng)
        if is_short(clause):
            return clause


def of_any_length(rng: Random) -> Clause:
    """A sentence in any form of the grammar."""
    forms = (_exists, _sees, _located, _qualified, _acts, _sees_that, _joined)
    return rng.choices(forms, weights=(18, 16, 18, 16, 12, 10, 10))[0](rng)


def is_short(clause: Clause) -> bool:
    """Whether a sentence has at most as many words as a `described` one may have."""
    words = [word for word in english.leaves(english.tree(clause)) if word.isalpha()]
    return len(words) <= MAX_WORDS


def spoken(rng: Random) -> Clause:
    """A short sentence of 5 or 6 English words: "There is a red ring." or "I see two big red
    rings."."""
    thing = _thing(rng, ("a",), size=0.3, colour=1.0)
    return Exists(thing) if rng.random() < 0.5 else Sees(rng.choice([*SEERS]), thing)


def _thing(rng: Random, determiners=ANY, *, size=0.4, colour=0.6, place=0.0) -> Thing:
    """A thing with a size, a colour and a place, each with the probability given."""
    determiner = rng.choice(determiners)
    count = 1
    if determiner != "every" and rng.random() < 0.4:
        count = rng.choice((2, 3, 4, 5)) if determiner == "a" or rng.random() < 0.4 else MANY
    return Thing(
        shape=rng.choice(SHAPES),
        colour=rng.choice([*COLOURS]) if rng.random() < colour else "",
        size=rng.choice([*SIZES]) if rng.random() < size else "",
        count=count,
        determiner=determiner,
        place=_place(rng) if rng.random() < place else None,
    )


def _place(rng: Random) -> Place:
    to = _thing(rng)
    return Place(rng.choice([*RELATIONS]), Pair(to, _thing(rng)) if rng.random() < 0.1 else to)


def _exists(rng: Random) -> Exists:
    return Exists(_thing(rng, ("a",), place=0.5))


def _sees(rng: Random) -> Sees:
    thing = _thing(rng, place=0.4)
    joined = not thing.place and rng.random() < 0.4
    return Sees(rng.choice([*SEERS]), Pair(thing, _thing(rng)) if joined else thing)


def _located(rng: Random) -> Is:
    thing = _thing(rng)
    return Is(thing, _place(rng), negated=thing.determiner != "every" and rng.random() < 0.15)


def _qualified(rng: Random) -> Is:
    """A subject with one kind of adjective is said to have the other: "the small stars are
    red"."""
    predicate = rng.choice(("colour", "size", "both"))
    size, colour = {"colour": (0.4, 0.0), "size": (0.0, 0.6), "both": (0.0, 0.0)}[predicate]
    thing = _thing(rng, (*DEFINITE, "every"), size=size, colour=colour, place=0.3)
    if not thing.place and thing.determiner != "every" and rng.random() < 0.25:
        thing = Pair(thing, _thing(rng, DEFINITE, size=size, colour=colour))
    adjectives = [rng.choice([*SIZES])] if predicate != "colour" else []
    adjectives += [rng.choice([*COLOURS])] if predicate != "size" else []
    very = adjectives in (["small"], ["big"]) and rng.random() < 0.4
    may_negate = isinstance(thing, Thing) and thing.determiner != "every"
    return Is(thing, Quality(tuple(adjectives), very), negated=may_negate and rng.random() < 0.2)


def _acts(rng: Random) -> Acts:
    return Acts(_thing(rng), rng.choice([*VERBS]), _thing(rng))


def _sees_that(rng: Random) -> Sees:
    return Sees(rng.choice([*SEERS]), rng.choice((_exists, _located, _qualified, _acts))(rng))


def _joined(rng: Random) -> Joined:
    first, second = (rng.choice((_exists, _located, _qualified, _acts))(rng) for _ in range(2))
    return Joined(first, rng.choice(("and", "but")), second)


# ---- What is drawn as well


def classified(rng: Random) -> Exists:
    """A picture for its class: one huge thing, the main one, beside a small one of any other
    shape."""
    main, other = rng.sample(SHAPES, 2)
    place = Place(rng.choice(PICTURE_RELATIONS), _painted(rng, "small", 1, other))
    return Exists(replace(_painted(rng, "huge", 1, main), place=place))


def captioned(rng: Random) -> Exists:
    """A picture for its caption: one to three groups, each with its size, colour and count.

    The caption follows from the picture: the group of the biggest shapes comes first (no other has
    its size), and two groups that share its relation come left to right, or top to bottom.
    """
    groups = rng.choices((1, 2, 3), weights=(9, 9, 2))[0]
    if groups == 1:
        size = rng.choice([*SIZES])
        return Exists(_painted(rng, size, rng.randint(1, MOST[size])))
    first, second = rng.choice((("huge", "big"), ("huge", "small"), ("big", "small")))
    if groups == 2:
        to = _painted(rng, second, rng.randint(1, MOST[second]))
    else:
        to = Pair(_painted(rng, second, 1), _painted(rng, second, 1))
    main = _painted(rng, first, 1 if groups == 3 else rng.randint(1, MOST[first]))
    return Exists(replace(main, place=Place(rng.choice(PICTURE_RELATIONS), to)))


PICTURE_RELATIONS = ("above", "below", "left", "right")
MOST = {
    "small": 3,
    "big": 2,
    "huge": 1,
}  # of a size side by side on the canvas, with room for jitter


def _painted(rng: Random, size: str, count: int, shape: str = "") -> Thing:
    return Thing(shape or rng.choice(SHAPES), rng.choice([*COLOURS]), size, count)
