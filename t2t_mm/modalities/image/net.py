"""Image net: Xception's entry flow (paper: Modality nets)."""

from typing import Any

from keras import ops

from t2t_mm.layers import sharing
from t2t_mm.layers.convolution2d import ConvRes, ConvStep2D
from t2t_mm.modalities.net import ModalityNet


class ImageNet(ModalityNet):
    """Pixels to a grid of hidden states, 16 times smaller along each axis: 299×299 gives 19×19 =
    361 positions.

    Step stride 2, 32 -> step 64 -> ConvRes 128 -> ConvRes 256 -> ConvRes hidden.

    Args:
        spec: features.Image (`channels`).
        hparams: `hidden_size`.
    """

    def __init__(self, spec: Any, hparams: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels = spec.channels
        self.stack = [
            # Eight depthwise filters for each colour: with one, only three would see the pixels.
            ConvStep2D(32, strides=(2, 2), relu=False, bias=True, multiplier=8, name="step1"),
            ConvStep2D(64, name="step2"),
            ConvRes(128, name="res1"),
            ConvRes(256, name="res2"),
            ConvRes(hparams.hidden_size, name="res3"),
        ]

    def build_bottom(self) -> None:
        """Makes the weights."""
        if not self.built:
            shape = (None, None, None, self.channels)
            for layer in self.stack:
                layer.build(shape)
                shape = layer.compute_output_shape(shape)
            self.built = True

    def bottom(self, pixels: Any, mask: Any = None, training: bool = False) -> tuple:
        """Pixels [batch, h, w, channels] in [-1, 1] -> ([batch, positions, hidden], mask of ones,
        (rows, columns))."""
        x = ops.cast(pixels, self.compute_dtype)
        for layer in self.stack:
            x = sharing.call(layer, x)
        batch, rows, columns, hidden = ops.shape(x)
        x = ops.reshape(x, (batch, rows * columns, hidden))
        return x, ops.ones((batch, rows * columns), "bool"), (rows, columns)
