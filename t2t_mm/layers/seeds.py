"""Seeds of dropout and gating noise."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
from keras import ops

from t2t_mm.layers import kernels


@keras.saving.register_keras_serializable("t2t_mm")
class Seeds(keras.random.SeedGenerator):
    """A seed generator that gives every replica of a model seeds of its own.

    Args:
        seed: an int.
    """

    def __init__(self, seed: int, name: str | None = None) -> None:
        super().__init__(seed, name=name)
        self.state = keras.Variable(
            lambda shape, dtype: ops.convert_to_tensor([seed, 0], dtype),
            shape=(2,),
            dtype=self.state.dtype,
            trainable=False,
            synchronization="on_read",
            aggregation="only_first_replica",
            name="state",
        )
        self._source, self._drawn = None, []

    @contextlib.contextmanager
    def following(self, first: Any) -> Iterator[None]:
        """In this context seeds depend on the seed `first` and their order alone, so that what is
        computed again draws the same."""
        apart = lambda i: ops.convert_to_tensor([(i + 1) * 104729, 0], first.dtype)  # noqa: E731
        with self._drawing(lambda i: first + apart(i)):
            yield

    @contextlib.contextmanager
    def among(self, seeds: Any) -> Iterator[list]:
        """In this context the seeds are those of `seeds` [n, 2], one after another; gives the list
        of what was drawn."""
        with self._drawing(lambda i: seeds[i]) as drawn:
            yield drawn

    @contextlib.contextmanager
    def _drawing(self, source):
        before = self._source, self._drawn
        self._source, self._drawn = source, []
        try:
            yield self._drawn
        finally:
            self._source, self._drawn = before

    def next(self, ordered: bool = True) -> Any:
        if self._source is not None:
            self._drawn.append(self._source(len(self._drawn)))
            return self._drawn[-1]
        drawn, replica = super().next(ordered), kernels.replica()
        if isinstance(replica, int) and not replica:
            return drawn
        return drawn + ops.stack(
            [ops.cast(7919 * replica, drawn.dtype), ops.zeros((), drawn.dtype)]
        )
