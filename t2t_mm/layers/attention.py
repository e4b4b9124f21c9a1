"""Dot-product attention and the attention block of mixer and decoder (paper: Attention
blocks)."""

import warnings
from typing import Any

import keras
from keras import ops

from t2t_mm.layers import kernels
from t2t_mm.layers.base import Layer
from t2t_mm.layers.convolution import BRANCH_SCALE, ConvStep, dropout
from t2t_mm.layers.incremental import Position
from t2t_mm.layers.normalization import LayerNorm
from t2t_mm.layers.pointwise import pointwise
from t2t_mm.layers.timing import timing_signal
from t2t_mm.layers.watching import show

MASKED = -1e9
# Attention to a single position is what it is: that of a problem without inputs.
warnings.filterwarnings("ignore", "You are using a softmax over axis -1 of a tensor of shape")


def causal_mask(length: Any) -> Any:
    """What causal attention sees: bool [1, 1, length, length], true at and before a position."""
    positions = ops.arange(length)
    return (positions[:, None] >= positions[None, :])[None, None]


class MultiHeadAttention(Layer):
    """Dot-product attention with several heads (Vaswani et al., arXiv 1706.03762, section 3.2.2).

    Args:
        hidden_size: channels of queries and output; divisible by `num_heads`.
        dropout, seed: rate on the attention weights and keras.random.SeedGenerator.

    Call arguments:
        queries: [batch, target length, hidden].
        memory: [batch, source length, hidden], from which keys and values are made by pointwise
            convolutions.
        mask: boolean, broadcastable to [batch, heads, target length, source length]; false is not
            attended to.

    Returns:
        [batch, target length, hidden].
    """

    def __init__(
        self,
        hidden_size: int,
        num_heads: int,
        dropout: float = 0.0,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.hidden_size, self.num_heads, self.dropout, self.seed = (
            hidden_size,
            num_heads,
            dropout,
            seed,
        )

    def build(self, input_shape: Any) -> None:
        shape = (self.hidden_size, self.hidden_size)
        self.query = self.add_weight(name="query", shape=shape, initializer="glorot_uniform")
        self.key = self.add_weight(name="key", shape=shape, initializer="glorot_uniform")
        self.value = self.add_weight(name="value", shape=shape, initializer="glorot_uniform")
        small = keras.initializers.RandomNormal(stddev=0.25 * self.hidden_size**-0.5)
        self.output_kernel = self.add_weight(name="output", shape=shape, initializer=small)
        self.built = True

    def _heads(self, x, kernel):
        y = pointwise(x, kernel)
        y = kernels.reshape_like(y, x, self.num_heads, self.hidden_size // self.num_heads)
        return ops.transpose(y, (0, 2, 1, 3))  # [batch, heads, length, hidden / heads]

    def call(self, queries: Any, memory: Any, mask: Any, training: bool = False) -> Any:
        q, (k, v) = self._heads(queries, self.query), self.keys_values(memory)
        scores = (
            ops.matmul(q, ops.transpose(k, (0, 1, 3, 2)))
            * (self.hidden_size // self.num_heads) ** -0.5
        )
        scores = ops.where(
            mask, ops.cast(scores, "float32"), MASKED
        )  # [batch, heads, target, source]
        weights = ops.cast(ops.softmax(scores, axis=-1), v.dtype)
        show(self.name, weights)
        attended = ops.matmul(dropout(weights, self.dropout, self.seed, training), v)
        attended = ops.transpose(attended, (0, 2, 1, 3))
        attended = kernels.reshape_like(attended, queries, self.hidden_size)
        return pointwise(attended, self.output_kernel)

    def keys_values(self, memory: Any) -> tuple:
        """Keys and values of a memory [batch, length, hidden]: two of [batch, heads, length, hidden
        / heads]."""
        return self._heads(memory, self.key), self._heads(memory, self.value)

    def start(self, batch: Any, places: Any) -> Any:
        """Keys and values of no positions yet, with places for them: zeros [batch, heads, places,
        hidden / heads]."""
        shape = (batch, self.num_heads, places, self.hidden_size // self.num_heads)
        return [kernels.zeros(shape, self.compute_dtype), kernels.zeros(shape, self.compute_dtype)]

    def step(self, x: Any, position: Position, kept: Any) -> tuple:
        """Causal self-attention, one position.

        Args:
            x: [rows, hidden].
            position: incremental.Position.
            kept: keys and values of earlier positions, from `start`.

        Returns:
            [rows, hidden], and keys and values with those of this position.
        """
        new = pointwise(x, self.key), pointwise(x, self.value)
        kept = [position.write_heads(*pair) for pair in zip(kept, new, strict=True)]
        return self.step_to(x, position, *kept, position.seen), kept

    def step_to(self, x: Any, position: Position, k: Any, v: Any, mask: Any) -> Any:
        """One position: queries x [rows, hidden]; keys, values and mask as in a call -> [rows,
        hidden]."""
        q = position.split_heads(
            pointwise(x, self.query), self.num_heads
        )  # [batch, heads, beam, hidden / heads]
        scores = kernels.matmul(q * q.shape[-1] ** -0.5, k, transpose_b=True)
        weights = kernels.softmax(ops.where(mask, ops.cast(scores, "float32"), MASKED))
        attended = kernels.matmul(ops.cast(weights, v.dtype), v)
        return pointwise(position.join_heads(attended), self.output_kernel)


class AttentionBlock(Layer):
    """Convolutions, causal self-attention and attention to the source, each a residual branch that
    starts small.

    Args:
        hidden_size: channels of target, source and output.
        num_heads: heads of both attentions.
        dropout, seed: rate on the branches and keras.random.SeedGenerator.

    Call arguments:
        target: [batch, target length, hidden]; position t sees no position after t.
        source: [batch, source length, hidden], normalised.
        source_mask: [batch, source length], true where the source is real.

    Returns:
        [batch, target length, hidden].
    """

    def __init__(
        self,
        hidden_size: int,
        num_heads: int,
        dropout: float = 0.0,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dropout, self.seed = dropout, seed
        self.step1 = ConvStep(hidden_size, 5, causal=True, name="step1")
        self.step2 = ConvStep(
            hidden_size, 5, dilation=4, causal=True, scale=BRANCH_SCALE, name="step2"
        )
        self.self_norm = LayerNorm(name="self_norm")
        self.self_attention = MultiHeadAttention(
            hidden_size, num_heads, dropout, seed, name="self_attention"
        )
        self.source_norm = LayerNorm(name="source_norm")
        self.source_attention = MultiHeadAttention(
            hidden_size, num_heads, dropout, seed, name="source_attention"
        )

    def build(self, target_shape: Any) -> None:
        for layer in (
            self.step1,
            self.step2,
            self.self_norm,
            self.self_attention,
            self.source_norm,
            self.source_attention,
        ):
            layer.build(target_shape)
        self.built = True

    def call(self, target: Any, source: Any, source_mask: Any, training: bool = False) -> Any:
        length = kernels.size(target, 1)
        x = target + timing_signal(length, target.shape[-1], target.dtype)
        x = x + self.step2(self.step1(x))

        normed = self.self_norm(x)
        h = self.self_attention(normed, normed, causal_mask(length), training=training)
        x = x + dropout(h, self.dropout, self.seed, training)

        h = self.source_attention(
            self.source_norm(x), source, source_mask[:, None, None, :], training=training
        )
        return x + dropout(h, self.dropout, self.seed, training)

    def remember(self, source: Any) -> Any:
        """What all steps read of a source [batch, source length, hidden]: its keys and values."""
        return self.source_attention.keys_values(source)

    def start(self, batch: Any, beam: int, length: Any) -> Any:
        """What the block keeps of up to `length` positions."""
        return {
            "rings": [self.step1.start(batch * beam), self.step2.start(batch * beam)],
            "kept": self.self_attention.start(batch, beam * length),
        }

    def step(
        self, target: Any, source: Any, source_mask: Any, position: Position, state: Any
    ) -> tuple:
        """One position.

        Args:
            target: [rows, hidden].
            source, source_mask: from `remember`, and [batch, 1, 1, source length]; an example's
                rows share them.
            position: incremental.Position.
            state: from `start`.

        Returns:
            [rows, hidden], state.
        """
        (ring1, ring2), kept = state["rings"], state["kept"]
        x = target + position.timing(target.shape[-1], target.dtype)
        h, ring1 = self.step1.step(x, position, ring1)
        h, ring2 = self.step2.step(h, position, ring2)
        x = x + h
        h, kept = self.self_attention.step(self.self_norm.step(x), position, kept)
        x = x + h
        h = self.source_attention.step_to(self.source_norm.step(x), position, *source, source_mask)
        return x + h, {"rings": [ring1, ring2], "kept": kept}
