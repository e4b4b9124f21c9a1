"""What is odd about a data set as a whole: splits that share examples, classes that training never
saw. Each is told in one line, with counts."""

import collections
import itertools
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

SAMPLE = 500_000  # examples of a split that are kept in memory to be compared with others
_NAMED = 5  # classes that are named


class Split(NamedTuple):
    """What is known of a split: how many examples it has, a function that gives the identity of
    each, and {feature: {number of class: examples}}."""

    count: int
    identities: Callable[[], Iterable[bytes]]
    classes: Mapping[str, Mapping[str, int]]


def tell(
    splits: dict[str, Split], classes: Mapping[str, list[str]], note: Callable[[str], Any]
) -> None:
    """Gives `note` a line for each thing that is odd; `classes` are the names of each feature that
    is one of several classes."""
    for line in itertools.chain(_shared(splits), _of_classes(splits, classes)):
        note(line)


def _shared(splits):
    """Splits that share examples; the largest is never held in memory, of others a sample at
    most."""
    held: dict[str, tuple[int, collections.Counter]] = {}  # {split: (one in so many, identities)}
    ordered = sorted(splits, key=lambda split: (splits[split].count, split == "train"))
    for split in ordered:
        every = -(-splits[split].count // SAMPLE)
        mine: collections.Counter = collections.Counter()
        found: dict[str, set] = {other: set() for other in held}
        for identity in splits[split].identities():
            for other, (_, theirs) in held.items():
                if identity in theirs:
                    found[other].add(identity)
            if split != ordered[-1] and int.from_bytes(identity, "little") % every == 0:
                mine[identity] += 1
        for other, both in found.items():
            if both:
                scale, theirs = held[other]
                yield _told(sum(theirs[each] for each in both), scale, splits, other, split)
        held[split] = every, mine


def _told(shared, scale, splits, split, other):
    total = splits[split].count
    count = f"{shared:,}" if scale == 1 else f"about {min(total, shared * scale):,}"
    end = f": scores on {split} say little about new data" if "train" in (split, other) else ""
    return f"{count} of {total:,} {split} examples are in {other} as well{end}"


def _of_classes(splits, classes):
    for feature, names in classes.items():
        seen = {
            split: {names[int(n)]: count for n, count in found.classes.get(feature, {}).items()}
            for split, found in splits.items()
        }
        yield from _unseen(seen)
        yield from _alike(names)
        there = set().union(*seen.values())
        are_numbers = names == [str(number) for number in range(len(names))]  # as many as declared
        if not are_numbers and (empty := [each for each in names if each not in there]):
            yield f"classes without any example: {_several(map(ascii, empty))}"


def _unseen(seen):
    """Classes that training is without."""
    trained = seen.get("train", {})
    if len(trained) == 1:
        ((only, count),) = trained.items()
        yield (
            f"all {count:,} training examples are of one class, {only!a}: nothing can be learnt "
            "from them. Is there an extra folder level, or a wrong column?"
        )
    for split, has in seen.items():
        if trained and (unseen := [each for each in has if each not in trained]):
            looks = {_look(each): each for each in trained}
            shown = [
                f"{each!a}" + (f" (like {looks[_look(each)]!a})" if _look(each) in looks else "")
                for each in unseen
            ]
            count = sum(has[each] for each in unseen)
            yield (
                f"{count:,} of {sum(has.values()):,} {split} examples are of a class that training "
                f"never saw: {_several(shown)}"
            )


def _alike(names):
    """Names that differ in nothing that can be seen, or in case alone."""
    groups = collections.defaultdict(list)
    for name in names:
        groups[_look(name)].append(name)
    pairs = [" and ".join(map(ascii, group)) for group in groups.values() if len(group) > 1]
    if pairs:
        yield f"classes that look alike are taken for different ones: {_several(pairs)}"


def _look(name):
    name = unicodedata.normalize("NFKC", name).casefold()
    return "".join(each for each in name if unicodedata.category(each) != "Cf").strip()


def _several(shown):
    shown = list(shown)
    rest = f" and {len(shown) - _NAMED:,} more" if len(shown) > _NAMED else ""
    return ", ".join(each[:100] for each in shown[:_NAMED]) + rest
