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
        self._first, self._count = None, 0

    @contextlib.contextmanager
    def following(self, first: Any) -> Iterator[None]:
        """In this context seeds depend on the seed `first` and their order alone, so that what is
        computed again draws the same."""
        self._first, self._count = first, 0
        try:
            yield
        finally:
            self._first = None

    def next(self, ordered: bool = True) -> Any:
        if self._first is not None:
            self._count += 1
            return self._first + ops.convert_to_tensor([self._count * 104729, 0], self._first.dtype)
        drawn, replica = super().next(ordered), kernels.replica()
        if isinstance(replica, int) and not replica:
            return drawn
        return drawn + ops.stack(
            [ops.cast(7919 * replica, drawn.dtype), ops.zeros((), drawn.dtype)]
        )
