"""Shares of the training examples that other splits are cut from.

HoldOut.parse("validation:0.05+test:0.05")           # a twentieth each
HoldOut.parse("validation:0.05+seed:1")              # others than without a seed
"""

import dataclasses
import hashlib
from collections.abc import Iterable

from t2t_mm.errors import UserError

SPLITS = ("validation", "test")
_EXPECTED = (
    "expected shares between 0 and 1, together below 1, and optionally a seed: "
    "validation:0.05+test:0.05+seed:1"
)


@dataclasses.dataclass(frozen=True)
class HoldOut:
    """Which examples are cut from the training split.

    An example's split follows from what is in it and the seed alone: it stays where it is however
    many others come or go, copies of it are in the same split, and the share of one split changes
    nothing about the other.

    Attributes:
        validation, test: their shares of the training examples.
        seed: another one cuts others off.
    """

    validation: float = 0.0
    test: float = 0.0
    seed: int = 0

    @classmethod
    def parse(cls, text: str, where: str = "hold_out") -> "HoldOut":
        """The value of an option; UserError if it is none. "" cuts nothing off."""
        values: dict[str, float | int] = {}
        for part in filter(None, text.split("+")):
            name, _, value = (piece.strip() for piece in part.partition(":"))
            try:
                number = int(value) if name == "seed" else float(value)
            except ValueError:
                number = -1
            if name not in (*SPLITS, "seed") or name in values or not 0 <= number < 2**63:
                raise UserError(f"{where}={text!r}: {part!r} is not valid; {_EXPECTED}.")
            values[name] = number
        shares = [values[name] for name in SPLITS if name in values]
        if text and (not shares or not all(shares) or sum(shares) >= 1):
            raise UserError(f"{where}={text!r}: {_EXPECTED}.")
        return cls(**values)  # type: ignore[arg-type]  # the seed is an int

    @property
    def splits(self) -> list[str]:
        """The splits that are cut off."""
        return [name for name in SPLITS if getattr(self, name)]

    def split_of(self, parts: Iterable[bytes], splits: Iterable[str]) -> str:
        """The split of an example, "train" for one that is not cut off.

        Args:
            parts: what is in it.
            splits: those that are to be cut off, of `splits`.
        """
        digest = hashlib.blake2b(f"{self.seed}".encode(), digest_size=8)
        for part in parts:
            digest.update(len(part).to_bytes(8, "little") + part)
        place = int.from_bytes(digest.digest(), "little") / 2**64  # in [0, 1)
        if "test" in splits and place < self.test:
            return "test"
        return "validation" if "validation" in splits and place >= 1 - self.validation else "train"
