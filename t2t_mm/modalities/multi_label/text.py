"""Sets of labels as text: "blue; ring"; with probabilities "blue; ring<tab>blue=0.9; ring=0.8"."""

from collections.abc import Iterable, Mapping

SEPARATOR = "; "
_LEAST = 5e-7  # what is less is written as 0, and left out


def joined(labels: Iterable[str]) -> str:
    """The text of a set, its labels in the order given; "" of the empty set."""
    return SEPARATOR.join(labels)


def labels_in(line: str) -> set[str]:
    """The labels of a line's set; what stands behind a tab doesn't count."""
    return set(filter(None, map(str.strip, line.partition("\t")[0].split(SEPARATOR.strip()))))


def line(labels: Iterable[str], probabilities: Mapping[str, float]) -> str:
    """A set and, behind a tab, the probability of each label; those next to 0 are left out."""
    pairs = (f"{name}={value:.6f}" for name, value in probabilities.items() if value >= _LEAST)
    return f"{joined(labels)}\t{joined(pairs)}"


def probabilities_in(text: str) -> dict[str, float] | None:
    """{label: probability} of a line; None if it has none, ValueError if one is no number."""
    _, tab, pairs = text.partition("\t")
    if not tab:
        return None
    parts = (pair.rpartition("=") for pair in pairs.split(SEPARATOR.strip()) if pair.strip())
    return {name.strip(): float(value) for name, _, value in parts}
