"""Where a training is among the examples of a problem: a few numbers, whatever they are of."""

import dataclasses
from typing import TypedDict

import numpy as np

NONE_BEFORE = -1


class Recorded(TypedDict):
    """A position as a checkpoint has it."""

    next: int
    held: list[int]
    examples: int


@dataclasses.dataclass
class Position:
    """What has been read of an order.Order, and not been trained on.

    Batches gather examples of like length, so that some wait while others, read later, are in a
    batch already. A batch is full with the example that was read last: all that comes after it is
    as if it were not read yet.

    Attributes:
        next: the number of the first example that is not read.
        held: int64 [n], ascending: numbers before it of examples that no batch has had. A few of
            them may be too long for any.
    """

    next: int = 0
    held: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, np.int64))

    def take(self, taken: np.ndarray) -> None:
        """Counts the examples of the next batch as read.

        Args:
            taken: int64 [B, 2], for each example its number, and that of the example which was
                read before it and not left out; NONE_BEFORE if there is none. What is between
                the two was too long.
        """
        numbers, before = taken.T
        end = int(numbers.max()) + 1
        waiting = np.concatenate([self.held, np.arange(self.next, end)])
        changes = np.zeros(len(waiting) + 1, np.int64)  # +1 where what goes begins, -1 after it
        np.add.at(changes, np.searchsorted(waiting, before, "right"), 1)
        np.add.at(changes, np.searchsorted(waiting, numbers, "right"), -1)
        self.held = waiting[np.cumsum(changes[:-1]) == 0]
        self.next = end

    def recorded(self, examples: int) -> Recorded:
        """It as JSON, of the order of so many examples."""
        return {"next": self.next, "held": self.held.tolist(), "examples": examples}

    @classmethod
    def of(cls, recorded: Recorded) -> "Position":
        """What `recorded` gave."""
        return cls(recorded["next"], np.array(recorded["held"], np.int64))
