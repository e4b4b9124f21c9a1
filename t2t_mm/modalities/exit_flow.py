"""Xception's exit flow (paper): one vector of numbers from the body's output."""

from typing import Any

from keras import ops

from t2t_mm.layers import sharing
from t2t_mm.layers.convolution import apply_mask
from t2t_mm.layers.convolution2d import ConvRes, ConvStep2D, stride_mask
from t2t_mm.modalities.net import ModalityNet


class ExitFlow(ModalityNet):
    """The body's output to the numbers that a target is predicted by, such as class logits.

    Residual block with stride 2, steps to 1.5 and 2 times the hidden size, ReLU, global average
    over the real positions, pointwise to the numbers.

    Args:
        spec: of the target, resolved; a subclass says with `outputs_of` how many numbers it needs.
        hparams: `hidden_size`.
    """

    def __init__(self, spec: Any, hparams: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.outputs, self.hidden_size = self.outputs_of(spec), hparams.hidden_size
        self.res = ConvRes(self.hidden_size, name="res")
        self.step1 = ConvStep2D(self.hidden_size * 3 // 2, name="step1")
        self.step2 = ConvStep2D(self.hidden_size * 2, name="step2")

    @staticmethod
    def outputs_of(spec: Any) -> int:
        """How many numbers predict a target of this spec."""
        raise NotImplementedError

    def build_top(self) -> None:
        """Makes the weights."""
        if not self.built:
            shape = (None, None, None, self.hidden_size)
            for layer in (self.res, self.step1, self.step2):
                layer.build(shape)
                shape = layer.compute_output_shape(shape)
            shape, exact = (self.hidden_size * 2, self.outputs), {"autocast": False}  # float32
            self.kernel = self.add_weight(
                name="kernel", shape=shape, initializer="glorot_uniform", **exact
            )
            self.bias = self.add_weight(name="bias", shape=shape[1:], initializer="zeros", **exact)
            self.built = True

    def top(self, hidden: Any, mask: Any = None, grid: Any = None, training: bool = False) -> Any:
        """The numbers from the body's output.

        Args:
            hidden: [batch, positions, hidden].
            mask: [batch, positions], true where real.
            grid: (rows, columns) where the positions are those of a picture; None for a sequence.

        Returns:
            [batch, 1, numbers], float32.
        """
        if grid is None:
            x = hidden[:, :, None, :]  # [batch, length, 1, hidden]
        else:
            x, mask = (
                ops.reshape(hidden, (-1, *grid, self.hidden_size)),
                None,
            )  # a picture has no padding
        strides = (2, 1) if grid is None else (2, 2)
        x = sharing.call(self.res, x, mask)
        mask = stride_mask(mask, strides[0])
        x = sharing.call(self.step1, x, mask)
        x = ops.relu(sharing.call(self.step2, x, mask))
        x = ops.cast(apply_mask(x, mask), "float32")
        total = ops.sum(x, axis=(1, 2))  # [batch, 2 hidden]
        if mask is None:
            rows, columns = ops.shape(x)[1:3]
            count = ops.cast(rows * columns, "float32")
        else:
            count = ops.maximum(ops.sum(ops.cast(mask, "float32"), axis=1, keepdims=True), 1.0)
        return (
            ops.matmul(total / count, ops.cast(self.kernel, "float32"))
            + ops.cast(self.bias, "float32")
        )[:, None]
