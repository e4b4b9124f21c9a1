"""The endless training batches of one problem, and the position in them."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from t2t_mm.data.pipeline.batching import TAKEN, Batching
from t2t_mm.data.pipeline.position import Position, Recorded


class ProblemStream:
    """Batches from a position on.

    Args:
        batching: how the examples become batches of training.
        position: where to go on; None: from the start.

    Attributes:
        seed: of order and augmentation.
        examples: how many there are, in this share.
    """

    def __init__(self, batching: Batching, position: Position | None = None) -> None:
        self.seed, self._position = batching.seed, position or Position()
        order = batching.order()
        self.examples = order.count
        # Made when first asked for: a position may be of other examples.
        self._begin: Callable[[], Any] = lambda: iter(batching.since(self._position, order))
        self._iterator: Any = None

    def next(self) -> dict[str, tf.Tensor]:
        """The next batch."""
        if self._iterator is None:
            self._iterator = self._begin()
        batch = next(self._iterator)
        self._position.take(batch.pop(TAKEN).numpy())
        return batch

    def recorded(self) -> Recorded:
        """The position, for a checkpoint."""
        return self._position.recorded(self.examples)
