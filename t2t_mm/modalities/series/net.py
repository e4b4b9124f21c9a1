"""Series net: a linear map of each stretch of time, then the body's convolution blocks."""

from typing import Any

import keras
from keras import ops

from t2t_mm.layers import kernels
from t2t_mm.layers.convolution import ConvBlock, apply_mask
from t2t_mm.layers.convolution2d import stride_mask
from t2t_mm.layers.pointwise import pointwise
from t2t_mm.modalities.net import ModalityNet

BLOCKS = 2


class SeriesNet(ModalityNet):
    """Normalised series to hidden states.

    `time_stride` steps are folded into one vector and mapped to the hidden size; nothing is
    normalised before that, as the size of a measurement matters. Two ConvBlocks follow.

    Args:
        spec: Series (`channels`, `time_stride`).
        hparams: `hidden_size`.
    """

    def __init__(self, spec: Any, hparams: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.time_stride, self.hidden_size = spec.time_stride, hparams.hidden_size
        self.folded = spec.time_stride * spec.channels
        self.blocks = [ConvBlock(self.hidden_size, name=f"block{i + 1}") for i in range(BLOCKS)]

    def build_bottom(self) -> None:
        """Makes the weights."""
        if not self.built:
            self.kernel = self.add_weight(
                name="kernel", shape=(self.folded, self.hidden_size), initializer="lecun_normal"
            )
            # As large as what it is added to: the ReLU that follows then cuts each unit off at
            # another value, and LayerNorm leaves how large a value is.
            self.bias = self.add_weight(
                name="bias",
                shape=(self.hidden_size,),
                initializer=keras.initializers.RandomNormal(stddev=1.0),
            )
            for block in self.blocks:
                block.build((None, None, self.hidden_size))
            self.built = True

    def bottom(self, series: Any, mask: Any, training: bool = False) -> tuple:
        """Series to the body.

        Args:
            series: [batch, length, channels].
            mask: [batch, length], true where real.

        Returns:
            (hidden [batch, positions, hidden], mask [batch, positions], grid None).
        """
        x = apply_mask(ops.cast(series, self.compute_dtype), mask)
        length = kernels.size(x, 1)
        positions = -(-length // self.time_stride)
        x = ops.pad(x, [[0, 0], [0, positions * self.time_stride - length], [0, 0]])
        x = ops.reshape(x, (-1, positions, self.folded))
        x = pointwise(x, self.kernel) + ops.cast(self.bias, x.dtype)  # [batch, positions, hidden]
        mask = stride_mask(mask, self.time_stride)
        for block in self.blocks:
            x = block(x, mask, training=training)
        return apply_mask(x, mask), mask, None
