"""What text is cut into, and what follows from it for a vocabulary."""

from typing import NamedTuple


class Units(NamedTuple):
    """One way to cut text.

    Attributes:
        noun: what a vocabulary holds.
        suffix: of a vocabulary's file; "" where there is none, as nothing is learnt.
        is_sized: whether it is learnt to be of a wanted size.
        per_subword: how many say about as much as one subword does.
    """

    noun: str
    suffix: str
    is_sized: bool
    per_subword: int


UNITS = {
    "subword": Units("subwords", ".model", is_sized=True, per_subword=1),
    # A stem of its own: subwords of the same name, and their record, may lie beside it.
    "characters": Units("characters and bytes", ".characters.model", is_sized=True, per_subword=4),
    "bytes": Units("bytes", "", is_sized=False, per_subword=4),
    "symbols": Units("symbols", ".symbols", is_sized=False, per_subword=1),
}
