"""Seeds of dropout and gating noise."""

import keras
from keras import ops

from t2t_mm.layers import fast


class Seeds(keras.random.SeedGenerator):
    """A seed generator of which every replica of a model has its own, and draws other seeds than the rest.

    Args:
        seed: an int.
    """

    def __init__(self, seed):
        super().__init__(seed)
        self.state = keras.Variable(
            lambda shape, dtype: ops.convert_to_tensor([seed, 0], dtype), shape=(2,), dtype=self.state.dtype,
            trainable=False, synchronization="on_read", aggregation="only_first_replica", name="state",
        )  # fmt: skip

    def next(self, ordered=True):
        drawn, replica = super().next(ordered), fast.replica()
        if isinstance(replica, int) and not replica:
            return drawn
        return drawn + ops.stack([ops.cast(7919 * replica, drawn.dtype), ops.zeros((), drawn.dtype)])
