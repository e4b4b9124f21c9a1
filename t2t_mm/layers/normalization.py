"""Layer normalisation over channels, as a function and as a layer."""

from typing import Any

import keras
from keras import ops

from t2t_mm.layers.base import Layer

EPSILON = 1e-6


def layer_norm(x: Any, scale: Any, offset: Any) -> Any:
    """Normalises the last axis of `x` in float32: [..., channels] -> [..., channels] in the dtype
    of `x`.

    The gradient is written by hand: derived op by op it would read and write the tensor twice as
    often, and a model of separable convolutions spends a quarter of its time here.
    """

    @ops.custom_gradient
    def run(x, scale, offset):
        normal, inverse = _normalised(x)

        def gradient(*args, upstream=None):
            upstream = ops.cast(args[0] if upstream is None else upstream, "float32")
            above = tuple(range(len(x.shape) - 1))  # all axes but the last
            d_scale, d_offset = ops.sum(upstream * normal, above), ops.sum(upstream, above)
            inner = upstream * scale
            along = ops.mean(inner * normal, axis=-1, keepdims=True)
            d_x = (inner - ops.mean(inner, axis=-1, keepdims=True) - normal * along) * inverse
            return ops.cast(d_x, x.dtype), d_scale, d_offset

        return ops.cast(normal * scale + offset, x.dtype), gradient

    return run(x, ops.cast(scale, "float32"), ops.cast(offset, "float32"))


def layer_norm_step(x: Any, scale: Any, offset: Any) -> Any:
    """As `layer_norm`, in fewer operations where no gradient is needed."""
    y = _normalised(x)[0] * ops.cast(scale, "float32") + ops.cast(offset, "float32")
    return ops.cast(y, x.dtype)


def _normalised(x):
    """Mean 0 and variance 1 over the last axis, and the factor that makes the variance 1."""
    x = ops.cast(x, "float32")
    centred = x - ops.mean(x, axis=-1, keepdims=True)
    inverse = ops.rsqrt(ops.mean(ops.square(centred), axis=-1, keepdims=True) + EPSILON)
    return centred * inverse, inverse


def norm_weights(layer: Any, channels: int, first_scale: float = 1.0) -> list[keras.Variable]:
    """Adds what `layer_norm` takes to a layer: (scale, offset), each [channels]; read in float32 at
    any precision."""
    constant = keras.initializers.Constant(first_scale)
    return [
        layer.add_weight(name=name, shape=(channels,), initializer=initial, autocast=False)
        for name, initial in (("scale", constant), ("offset", "zeros"))
    ]


class LayerNorm(Layer):
    """Layer normalisation over channels, epsilon 1e-6 (Ba et al., arXiv 1607.06450).

    Args:
        scale: initial value of the learned scale; below one, a residual branch that ends here
            starts small.

    Input and output shape: [..., channels].
    """

    def __init__(self, scale: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first_scale = scale

    def build(self, input_shape: Any) -> None:
        self.scale, self.offset = norm_weights(self, input_shape[-1], self.first_scale)
        self.built = True

    def call(self, x: Any) -> Any:
        return layer_norm(x, self.scale, self.offset)

    def step(self, x: Any) -> Any:
        """As a call, without gradient."""
        return layer_norm_step(x, self.scale, self.offset)
