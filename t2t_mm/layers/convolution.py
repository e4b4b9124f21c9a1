"""Separable convolution steps and blocks: the computational spine of the MultiModel (paper:
Convolutional blocks)."""

import random
from typing import Any

import keras
import numpy as np
from keras import ops

from t2t_mm.layers import kernels
from t2t_mm.layers.base import Layer
from t2t_mm.layers.incremental import Position
from t2t_mm.layers.normalization import layer_norm, layer_norm_step, norm_weights
from t2t_mm.layers.pointwise import pointwise
from t2t_mm.layers.roles import tag

# Initial scale of the last LayerNorm of a residual branch: at first the stream outweighs its
# branches, so that a deep stack is close to the identity and learns from the start. (For Adam alone
# zero is better; for Muon, 0.25 to 0.5.)
BRANCH_SCALE = 0.5


def apply_mask(x: Any, mask: Any) -> Any:
    """Zeroes padding: x [batch, length, ..., channels], mask [batch, length] or None."""
    if mask is None:
        return x
    mask = ops.expand_dims(ops.cast(mask, x.dtype), tuple(range(2, len(x.shape))))
    return x * mask


def depthwise_1d(x: Any, kernel: Any, dilation: int = 1, causal: bool = False) -> Any:
    """Depthwise convolution along time, output as long as the input.

    A dilation d above 1 is a plain convolution over the rows of [length / d, d]: neighbours
    at distance d are in one column, so that nothing is gathered or inserted, and short inputs cost
    only the rows that they fill.

    Args:
        x: [batch, length, channels].
        kernel: [taps, channels].
        causal: pad on the left only, so that position t sees nothing after t; otherwise both
            sides equally.

    Returns:
        [batch, length, channels].
    """
    taps, channels = kernel.shape
    kernel = ops.reshape(kernel, (taps, 1, channels, 1))
    before = taps - 1 if causal else (taps - 1) // 2
    after = taps - 1 - before
    if dilation == 1:
        x = ops.pad(x, [[0, 0], [before, after], [0, 0]])
        return ops.squeeze(kernels.depthwise(ops.expand_dims(x, 2), kernel), 2)
    length = kernels.size(x, 1)
    rows = -(-length // dilation)
    if isinstance(rows, int) or not kernels.compiled_by_xla():  # which asks for a known kernel
        # Taps that are farther away than there are rows would read padding alone.
        here = before
        before, after = _within(rows, before), _within(rows, after)
        kernel = kernel[here - before : here + after + 1]
    x = ops.pad(x, [[0, 0], [before * dilation, (after + rows) * dilation - length], [0, 0]])
    x = ops.reshape(x, (-1, before + rows + after, dilation, channels))
    y = kernels.depthwise(x, kernel)  # [batch, rows, dilation, channels]
    y = ops.reshape(y, (-1, rows * dilation, channels))
    # y[:, :length], the gradient of which would take several times as long
    return ops.slice(y, (0, 0, 0), (kernels.size(x, 0), length, channels))


def _within(rows, side):
    """How many rows on one side of its own a position can read at most, of so many; `side` is how
    many taps there are."""
    if isinstance(rows, int):
        return min(side, max(rows - 1, 0))
    return ops.minimum(side, ops.maximum(rows - 1, 0)) if side else 0


def depthwise_2d(x: Any, kernel: Any, strides: tuple[int, int] = (1, 1)) -> Any:
    """Depthwise convolution over height and width: [batch, h, w, c] -> [batch, ceil(h/sh),
    ceil(w/sw), c·multiplier].

    The padding is (taps - 1) / 2 on every side whatever the size is, so that output row i is
    centred on input row i·stride and more padding at the end of a batch changes nothing.

    Args:
        kernel: [taps_h, taps_w, channels, multiplier].
    """
    pad_h, pad_w = (kernel.shape[0] - 1) // 2, (kernel.shape[1] - 1) // 2
    if pad_h or pad_w:
        x = ops.pad(x, [[0, 0], [pad_h, pad_h], [pad_w, pad_w], [0, 0]])
    return kernels.depthwise(x, kernel, strides)


class ConvStep(Layer):
    """LayerNorm(SeparableConv(W, ReLU(x))): depthwise, then pointwise (paper: Convolutional
    blocks).

    Args:
        filters: output channels.
        taps: kernel size along time.
        dilation: distance between taps.
        causal: left-pad, so that position t of the output depends on no input after t.
        scale: initial scale of the LayerNorm; `BRANCH_SCALE` for the last step of a residual
            branch.

    Call arguments:
        x: [batch, length, channels].
        valid: bool [batch, length], true where x is real; padding is read as zeros. None when
            nothing is padded, or when padding is at the end and the step is causal. (Not called
            `mask`: Keras would pass a mask of that name to layers that were not given one.)

    Returns:
        [batch, length, filters].
    """

    def __init__(
        self,
        filters: int,
        taps: int,
        dilation: int = 1,
        causal: bool = False,
        scale: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters, self.taps, self.dilation, self.causal = filters, taps, dilation, causal
        self.first_scale = scale

    def build(self, input_shape: Any) -> None:
        channels = input_shape[-1]
        kernel = self.add_weight(
            name="depthwise", shape=(self.taps, channels), initializer=CentredKernel(self.causal)
        )
        self.depthwise = tag(kernel, "depthwise")
        self.pointwise = self.add_weight(
            name="pointwise", shape=(channels, self.filters), initializer="he_normal"
        )
        self.scale, self.offset = norm_weights(self, self.filters, self.first_scale)
        self.built = True

    def call(self, x: Any, valid: Any = None) -> Any:
        x = apply_mask(ops.relu(x), valid)
        x = depthwise_1d(x, ops.convert_to_tensor(self.depthwise), self.dilation, self.causal)
        return layer_norm(pointwise(x, self.pointwise), self.scale, self.offset)

    def start(self, rows: Any) -> Any:
        """The state of a causal step before the first position: zeros, for Position.convolve."""
        span = (self.taps - 1) * self.dilation + 1
        return kernels.zeros((span * rows, self.depthwise.shape[1]), self.compute_dtype)

    def step(self, x: Any, position: Position, ring: Any) -> tuple:
        """One position: x [rows, channels], incremental.Position, ring -> ([rows, filters],
        ring)."""
        x, ring = position.convolve(ring, ops.relu(x), self.depthwise, self.dilation)
        return layer_norm_step(pointwise(x, self.pointwise), self.scale, self.offset), ring


@keras.saving.register_keras_serializable("t2t_mm")
class CentredKernel(keras.initializers.Initializer):
    """Initial values [taps, channels] of a depthwise kernel: noise around the identity.

    Half of the output's variance comes from the position itself and half from all taps equally:
    with noise alone, a stack of steps would start as a stack of blurs.
    """

    def __init__(self, causal: bool, seed: int | None = None) -> None:
        self.causal = causal
        # from Python's generator, as for Keras' own initializers
        self.seed = random.randrange(2**31) if seed is None else seed

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        taps = shape[0]
        kernel = keras.random.normal(shape, stddev=(0.5 / taps) ** 0.5, dtype=dtype, seed=self.seed)
        here = np.arange(taps) == (taps - 1 if self.causal else (taps - 1) // 2)
        return kernel + ops.cast(0.5**0.5 * here[:, None], kernel.dtype)

    def get_config(self) -> dict:
        return {"causal": self.causal, "seed": self.seed}


class ConvBlock(Layer):
    """Four steps with two skips from the block's input (paper: Convolutional blocks), starting
    near the identity.

    h1 = step 3×1 (x); h2 = x + step 3×1 (h1); h3 = step 15×1 (h2); out = x + dropout(step 15×1,
    dilation 8 (h3)).

    Args:
        hidden_size: channels in and out.
        causal: left-padded convolutions, as in mixer and decoder.
        dropout: rate on the block's branch; the residual stream itself is never dropped.
        seed: keras.random.SeedGenerator.

    Call arguments: x [batch, length, hidden], valid [batch, length] or None, training.
    """

    def __init__(
        self,
        hidden_size: int,
        causal: bool = False,
        dropout: float = 0.0,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dropout, self.seed = dropout, seed
        self.steps = [
            ConvStep(hidden_size, 3, causal=causal, name="step1"),
            ConvStep(hidden_size, 3, causal=causal, scale=BRANCH_SCALE, name="step2"),
            ConvStep(hidden_size, 15, causal=causal, name="step3"),
            ConvStep(hidden_size, 15, dilation=8, causal=causal, scale=BRANCH_SCALE, name="step4"),
        ]

    def build(self, input_shape: Any) -> None:
        for step in self.steps:
            step.build(input_shape)
        self.built = True

    def call(self, x: Any, valid: Any = None, training: bool = False) -> Any:
        step1, step2, step3, step4 = self.steps
        h = x + step2(step1(x, valid), valid)
        h = step4(step3(h, valid), valid)
        return x + dropout(h, self.dropout, self.seed, training)

    def start(self, rows: Any) -> Any:
        """The state of a causal block before the first position: one ring for each step."""
        return [step.start(rows) for step in self.steps]

    def step(self, x: Any, position: Position, rings: Any) -> tuple:
        """One position: x [rows, hidden], incremental.Position, rings -> ([rows, hidden],
        rings)."""
        h, rings = x, list(rings)
        for i, step in enumerate(self.steps):
            h, rings[i] = step.step(h, position, rings[i])
            if i in (1, 3):
                h = x + h
        return h, rings


def dropout(x: Any, rate: float, seed: Any, training: bool) -> Any:
    """Inverted dropout in training, the identity otherwise."""
    return keras.random.dropout(x, rate, seed=seed) if training and rate else x
