"""A plain encoder–decoder Transformer over the modality nets (Vaswani et al., arXiv 1706.03762),
normalised before each branch: the control for the MultiModel."""

from typing import Any

import keras

from t2t_mm.layers import kernels
from t2t_mm.layers.attention import MultiHeadAttention, causal_mask
from t2t_mm.layers.base import Layer
from t2t_mm.layers.convolution import apply_mask, dropout
from t2t_mm.layers.feed_forward import FeedForward
from t2t_mm.layers.incremental import Position
from t2t_mm.layers.normalization import LayerNorm
from t2t_mm.layers.remat import Remat
from t2t_mm.layers.timing import timing_signal
from t2t_mm.models.base import ProblemModel

WIDTH = 4  # of the feed-forward layers, relative to the body
# Of what a feed-forward layer adds at the start, when attention adds little, too.
BRANCH_SCALE = 0.25


class TransformerBlock(Layer):
    """Self-attention and a feed-forward layer; each a residual branch that reads its input
    normalised.

    Args:
        hparams: `hidden_size`, `num_heads`, `dropout` (on the branches and attention weights).
        seed: keras.random.SeedGenerator.

    Call arguments:
        x: [batch, length, hidden].
        visible: bool, broadcastable to [batch, heads, length, length]: which positions see which.
        training: dropout on.

    Returns:
        [batch, length, hidden].
    """

    def __init__(self, hparams: Any, seed: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        hidden, heads = hparams.hidden_size, hparams.num_heads
        self.dropout, self.seed = hparams.dropout, seed
        self.self_norm = LayerNorm(name="self_norm")
        self.self_attention = MultiHeadAttention(
            hidden, heads, self.dropout, seed, name="self_attention"
        )
        self.norm = LayerNorm(name="norm")
        self.feed_forward = FeedForward(
            WIDTH * hidden, seed, scale=BRANCH_SCALE, name="feed_forward"
        )

    def build(self, input_shape: Any) -> None:
        for layer in (self.self_norm, self.self_attention, self.norm, self.feed_forward):
            layer.build(input_shape)
        self.built = True

    def call(self, x: Any, visible: Any, training: bool = False) -> Any:
        x = self.attend(x, visible, training)
        return x + self.dropped(self.feed_forward(self.norm(x))[0], training)

    def attend(self, x: Any, visible: Any, training: bool) -> Any:
        """The first branch."""
        h = self.self_norm(x)
        return x + self.dropped(self.self_attention(h, h, visible, training=training), training)

    def dropped(self, h: Any, training: bool) -> Any:
        """The output of a branch with dropout."""
        return dropout(h, self.dropout, self.seed, training)


class TransformerDecoderBlock(TransformerBlock):
    """Self-attention, attention to a source and a feed-forward layer.

    Call arguments:
        x: [batch, length, hidden].
        source: [batch, source length, hidden], normalised.
        visible: bool, broadcastable to [batch, heads, length, length]: which positions see which.
        source_mask: bool [batch, source length].
        training: dropout on.

    Returns:
        [batch, length, hidden].
    """

    def __init__(self, hparams: Any, seed: Any, **kwargs: Any) -> None:
        super().__init__(hparams, seed, **kwargs)
        self.source_norm = LayerNorm(name="source_norm")
        self.source_attention = MultiHeadAttention(
            hparams.hidden_size, hparams.num_heads, self.dropout, seed, name="source_attention"
        )

    def build(self, input_shape: Any) -> None:
        self.source_norm.build(input_shape)
        self.source_attention.build(input_shape)
        super().build(input_shape)

    def call(
        self, x: Any, source: Any, visible: Any, source_mask: Any, training: bool = False
    ) -> Any:
        x = self.attend(x, visible, training)
        h, mask = self.source_norm(x), source_mask[:, None, None, :]
        x = x + self.dropped(self.source_attention(h, source, mask, training=training), training)
        return x + self.dropped(self.feed_forward(self.norm(x))[0], training)

    def step(self, x: Any, source: Any, source_mask: Any, position: Position, kept: Any) -> tuple:
        """One position.

        Args:
            x: [rows, hidden].
            source: keys and values of the source, from `source_attention.keys_values`.
            source_mask: [batch, 1, 1, source length].
            position: incremental.Position.
            kept: keys and values of earlier positions, from `self_attention.start`.

        Returns:
            [rows, hidden], kept.
        """
        h, kept = self.self_attention.step(self.self_norm.step(x), position, kept)
        x = x + h
        h = self.source_norm.step(x)
        x = x + self.source_attention.step_to(h, position, *source, source_mask)
        return x + self.feed_forward.step(self.norm.step(x)), kept


class TransformerEncoder(Layer):
    """Blocks of self-attention over the inputs.

    Call arguments: x [batch, length, hidden], valid [batch, length], training.

    Returns:
        (encoding [batch, length, hidden], normalised; {}: there are no experts to report on).
    """

    def __init__(self, hparams: Any, seed: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.blocks = [
            TransformerBlock(hparams, seed, name=f"block{i + 1}")
            for i in range(hparams.encoder_blocks)
        ]
        self.norm = LayerNorm(name="norm")
        self.run = Remat(hparams.rematerialise, seed)

    def build(self, input_shape: Any) -> None:
        for layer in (*self.blocks, self.norm):
            layer.build(input_shape)
        self.built = True

    def call(self, x: Any, valid: Any, training: bool = False) -> tuple[Any, dict]:
        x = x + timing_signal(kernels.size(x, 1), x.shape[-1], x.dtype)
        for block in self.blocks:
            x = self.run(block, x, visible=valid[:, None, None, :], training=training)
        return apply_mask(self.norm(x), valid), {}


class TransformerDecoder(Layer):
    """Blocks of causal self-attention and attention to the encoding.

    Call arguments: x [batch, length, hidden], the outputs before each position; encoding [batch,
    source length, hidden]; encoding_mask [batch, source length]; training.

    Returns:
        [batch, length, hidden], normalised; position t depends on no x after t.
    """

    def __init__(self, hparams: Any, seed: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.blocks = [
            TransformerDecoderBlock(hparams, seed, name=f"block{i + 1}")
            for i in range(hparams.decoder_blocks)
        ]
        self.norm = LayerNorm(name="norm")
        self.run = Remat(hparams.rematerialise, seed)

    def build(self, input_shape: Any) -> None:
        for layer in (*self.blocks, self.norm):
            layer.build(input_shape)
        self.built = True

    def call(self, x: Any, encoding: Any, encoding_mask: Any, training: bool = False) -> Any:
        length = kernels.size(x, 1)
        x = x + timing_signal(length, x.shape[-1], x.dtype)
        causal = causal_mask(length)
        for block in self.blocks:
            x = self.run(
                block, x, encoding, visible=causal, source_mask=encoding_mask, training=training
            )
        return self.norm(x)

    def remember(self, encoding: Any) -> list:
        """What all decoding steps read of the encoding: keys and values of each block."""
        return [block.source_attention.keys_values(encoding) for block in self.blocks]

    def start(self, batch: Any, beam: int, length: Any) -> list:
        """The decoder's state before the first position, with room for `length`."""
        return [block.self_attention.start(batch, beam * length) for block in self.blocks]

    def step(self, x: Any, memory: list, mask: Any, position: Position, state: list) -> tuple:
        """One position: x [rows, hidden], from `remember`, mask, Position, state -> ([rows,
        hidden], state)."""
        x, state = x + position.timing(x.shape[-1], x.dtype), list(state)
        for i, block in enumerate(self.blocks):
            x, state[i] = block.step(x, memory[i], mask, position, state[i])
        return self.norm.step(x), state


class Transformer(ProblemModel):
    """One Transformer for many problems.

    It reads `hidden_size`, `num_heads`, `encoder_blocks`, `decoder_blocks`, `dropout` and
    `rematerialise` of the hparams, and what nets read; feed-forward layers are four times as wide
    as the body. Arguments and results are those of every `ProblemModel`.
    """

    def make_body(self) -> None:
        self.encoder = TransformerEncoder(self.hparams, self.seed, name="encoder")
        self.decoder = TransformerDecoder(self.hparams, self.seed, name="decoder")
        for layer in self.body_layers:
            layer.build((None, None, self.hparams.hidden_size))

    @property
    def body_layers(self) -> list[keras.layers.Layer]:
        return [self.encoder, self.decoder]

    def body(
        self, previous: Any, mask: Any, encoding: Any, encoding_mask: Any, training: bool = False
    ) -> tuple[Any, dict]:
        return self.decoder(previous, encoding, encoding_mask, training=training), {}

    def remember_source(self, encoding: Any, mask: Any) -> Any:
        return self.decoder.remember(encoding)

    def start_body(self, batch: Any, beam: int, length: Any) -> Any:
        return self.decoder.start(batch, beam, length)

    def step_body(self, x: Any, memory: Any, mask: Any, position: Position, state: Any) -> tuple:
        return self.decoder.step(x, memory, mask, position, state)

    @property
    def attention_places(self) -> list[str]:
        return [f"decoder {i + 1}" for i in range(len(self.decoder.blocks))]
