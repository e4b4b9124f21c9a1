"""Separable convolution steps over two dimensions and the residual block of the image, audio and
categorical nets."""

from typing import Any

import keras
from keras import ops

from t2t_mm.layers import kernels
from t2t_mm.layers.base import Layer
from t2t_mm.layers.convolution import apply_mask, depthwise_2d
from t2t_mm.layers.normalization import layer_norm, norm_weights
from t2t_mm.layers.pointwise import pointwise
from t2t_mm.layers.roles import tag

LOWEST = -1e9  # what max-pooling reads outside the picture and in padding
# Steps with fewer channels are not normalised: of two, LayerNorm would only leave which is larger.
NORMALISED = 8


def stride_mask(mask: Any, stride: int) -> Any:
    """The mask of a strided output: position i is real where input i·stride is. [batch, length] or
    None."""
    return mask if mask is None or stride == 1 else mask[:, ::stride]


def max_pool(x: Any, strides: tuple[int, int], mask: Any = None) -> Any:
    """3×3 max-pooling, padded by one on every side; padding and masked rows never win.

    x [batch, h, w, channels] -> [batch, ceil(h / strides[0]), ceil(w / strides[1]), channels].
    """
    if mask is not None:
        x = ops.where(ops.cast(mask, "bool")[:, :, None, None], x, ops.cast(LOWEST, x.dtype))
    x = ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=LOWEST)
    x = kernels.max_pool(x, 3, strides)
    return apply_mask(x, stride_mask(mask, strides[0]))


class ConvStep2D(Layer):
    """LayerNorm(SeparableConv(W, ReLU(x))) over [height, width] (paper: Convolutional blocks).

    Args:
        filters: output channels.
        taps: kernel size along both axes, odd.
        strides: (height, width).
        relu: false for raw pixels, whose sign means nothing.
        bias: add one before LayerNorm. Raw pixels need it: otherwise normalisation removes their
            brightness, and white and grey look the same. Outputs of another step have that step's
            offset.
        multiplier: depthwise filters for each input channel; more than one where the input has few
            channels.

    Call arguments: x [batch, h, w, channels]; valid [batch, h] for inputs whose height is time, or
    None.

    Returns:
        [batch, ceil(h / strides[0]), ceil(w / strides[1]), filters].
    """

    def __init__(
        self,
        filters: int,
        taps: int = 3,
        strides: tuple[int, int] = (1, 1),
        relu: bool = True,
        bias: bool = False,
        multiplier: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters, self.taps, self.strides = filters, taps, tuple(strides)
        self.relu, self.multiplier, self.has_bias = relu, multiplier, bias

    def build(self, input_shape: Any) -> None:
        channels = input_shape[-1]
        # A 1×1 depthwise kernel would only scale channels, as the pointwise kernel can.
        self.depthwise = None
        if self.taps > 1:
            kernel = self.add_weight(
                name="depthwise",
                shape=(self.taps, self.taps, channels, self.multiplier),
                initializer=keras.initializers.RandomNormal(stddev=1.0 / self.taps),
            )
            self.depthwise = tag(kernel, "depthwise")
        self.pointwise = self.add_weight(
            name="pointwise",
            shape=(channels * self.multiplier, self.filters),
            initializer="he_normal",
        )
        self.is_normalised = self.filters >= NORMALISED
        if self.has_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.filters,),
                initializer=keras.initializers.RandomNormal(stddev=0.1),
            )
        if self.is_normalised:
            self.scale, self.offset = norm_weights(self, self.filters)
        else:
            self.offset = self.add_weight(name="offset", shape=(self.filters,), initializer="zeros")
        self.built = True

    def call(self, x: Any, valid: Any = None) -> Any:
        x = apply_mask(ops.relu(x) if self.relu else x, valid)
        if self.depthwise is None:
            x = x[:, :: self.strides[0], :: self.strides[1]]
        else:
            x = depthwise_2d(x, ops.convert_to_tensor(self.depthwise), self.strides)
        x = pointwise(x, self.pointwise)
        x = x + self.bias if self.has_bias else x
        return layer_norm(x, self.scale, self.offset) if self.is_normalised else x + self.offset

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return (*input_shape[:-1], self.filters)


class ConvRes(Layer):
    """maxpool(3×3, strided)(step(step(x))) + step 1×1, strided (x) (Xception's residual block;
    paper: Modality nets).

    Args:
        filters: output channels.
        strides: (height, width); (1, 1) leaves the pooling out.

    Call arguments: x [batch, h, w, channels]; valid [batch, h] for inputs whose height is time, or
    None.

    Returns:
        [batch, ceil(h / strides[0]), ceil(w / strides[1]), filters].
    """

    def __init__(self, filters: int, strides: tuple[int, int] = (2, 2), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters, self.strides = filters, tuple(strides)
        self.step1 = ConvStep2D(filters, name="step1")
        self.step2 = ConvStep2D(filters, name="step2")
        self.shortcut = ConvStep2D(
            filters, taps=1, strides=self.strides, relu=False, name="shortcut"
        )

    def build(self, input_shape: Any) -> None:
        self.step1.build(input_shape)
        self.step2.build((*input_shape[:-1], self.filters))
        self.shortcut.build(input_shape)
        self.built = True

    def call(self, x: Any, valid: Any = None) -> Any:
        h = self.step2(self.step1(x, valid), valid)
        if self.strides != (1, 1):
            h = max_pool(h, self.strides, valid)
        return h + self.shortcut(x, valid)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return (*input_shape[:-1], self.filters)
