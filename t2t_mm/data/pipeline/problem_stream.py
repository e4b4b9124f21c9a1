"""The endless training batches of one problem, and the position in them."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.data.pipeline.batching import TAKEN, Batching
from t2t_mm.data.pipeline.position import Position, Recorded
from t2t_mm.problem.base import Problem


class ProblemStream:
    """Batches from a position on.

    Args:
        problem: a resolved problem.
        hparams, seed, static_shapes, share: see data.pipeline.batching.
        position: where to go on; None: from the start.

    Attributes:
        seed: as given.
        examples: how many there are, in this share.
    """

    def __init__(
        self,
        problem: Problem,
        hparams: HParams,
        seed: int,
        static_shapes: bool,
        share: tuple[int, int],
        position: Position | None = None,
    ) -> None:
        self.seed, self._position = seed, position or Position()
        batching = Batching(problem, hparams, True, seed, static_shapes, share)
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
