"""The net of problems without inputs: one learned token."""

from typing import Any

import keras
from keras import ops

from t2t_mm.layers import kernels
from t2t_mm.modalities.net import ModalityNet


class NothingNet(ModalityNet):
    """One learned token in the place of inputs.

    Args:
        spec: modalities.nothing.spec.Nothing.
        hparams: `hidden_size`.
    """

    def __init__(self, spec: Any, hparams: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden_size = hparams.hidden_size

    def build_bottom(self) -> None:
        """Makes the token."""
        if not self.built:
            self.token = self.add_weight(
                name="token",
                shape=(self.hidden_size,),
                initializer=keras.initializers.RandomNormal(stddev=1.0),  # as of a command
            )
            self.built = True

    def bottom(self, inputs: Any, mask: Any, training: bool = False) -> tuple:
        """int32 [batch, 1], mask [batch, 1] -> ([batch, 1, hidden], mask, grid None)."""
        token = ops.cast(self.token, self.compute_dtype)
        shape = (kernels.size(inputs, 0), 1, self.hidden_size)
        return ops.broadcast_to(token, shape), mask, None
