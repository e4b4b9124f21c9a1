"""A dense feed-forward layer that can stand in for the mixture of experts."""

import math
from typing import Any

import keras
from keras import ops

from t2t_mm.layers import kernels
from t2t_mm.layers.base import Layer


class FeedForward(Layer):
    """Two dense layers with a ReLU between: the control for `MixtureOfExperts`, called in the same
    way.

    A mixture of E experts of width H, k for each position, has the FLOPs of `hidden_size = k * H`
    and the parameters of `hidden_size = E * H`.

    Args:
        hidden_size: width between the two layers.
        seed: `keras.random.SeedGenerator` for initial weights.
        scale: of the output at the start, where it is a branch beside a stream of size 1.

    Call arguments:
        x: [batch, length, channels].
        valid: bool [batch, length], false at padding; None: no padding.
        training: ignored.

    Returns:
        y: [batch, length, channels], zeros at padding.
        info: {"aux_loss": 0.0}; there are no experts to report on.
    """

    def __init__(
        self, hidden_size: int, seed: Any = None, scale: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.hidden_size, self.scale = hidden_size, scale
        self.seed = seed or keras.random.SeedGenerator()

    def build(self, input_shape: Any) -> None:
        depth, hidden = input_shape[-1], self.hidden_size
        self.w1 = self.add_weight(
            name="w1", shape=(depth, hidden), initializer=uniform(depth, self.seed)
        )
        self.b1 = self.add_weight(name="b1", shape=(hidden,), initializer="zeros")
        self.w2 = self.add_weight(
            name="w2", shape=(hidden, depth), initializer=uniform(hidden, self.seed, self.scale)
        )
        self.b2 = self.add_weight(name="b2", shape=(depth,), initializer="zeros")
        self.built = True

    def call(self, x: Any, valid: Any = None, training: bool = False) -> tuple:
        tokens = ops.reshape(
            x, (-1, x.shape[-1])
        )  # [T, D]; plain matrices are the fastest on a CPU
        y = kernels.reshape_like(self.step(tokens), x, x.shape[-1])
        if valid is not None:
            y = ops.where(valid[..., None], y, ops.zeros_like(y))
        return y, {"aux_loss": ops.zeros((), "float32")}

    def step(self, x: Any) -> Any:
        """One position of decoding, or a list of tokens: [T, channels] -> [T, channels]."""
        w1, b1, w2, b2 = (ops.cast(w, x.dtype) for w in (self.w1, self.b1, self.w2, self.b2))
        return ops.matmul(ops.relu(ops.matmul(x, w1) + b1), w2) + b2


def uniform(fan_in: int, seed: Any, scale: float = 1.0) -> keras.initializers.Initializer:
    """Initial values of variance scale² / fan_in."""
    limit = scale * math.sqrt(3.0 / fan_in)
    return keras.initializers.RandomUniform(-limit, limit, seed=seed)
