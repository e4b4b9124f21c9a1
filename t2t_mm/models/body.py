"""The body of the MultiModel: encoder, I/O mixer and decoder, shared by all problems (paper:
MultiModel architecture)."""

from typing import Any

from keras import ops

from t2t_mm.layers import kernels
from t2t_mm.layers.attention import AttentionBlock
from t2t_mm.layers.base import Layer
from t2t_mm.layers.convolution import BRANCH_SCALE, ConvBlock, ConvStep, apply_mask, dropout
from t2t_mm.layers.feed_forward import FeedForward
from t2t_mm.layers.incremental import Position
from t2t_mm.layers.moe import MixtureOfExperts
from t2t_mm.layers.normalization import LayerNorm
from t2t_mm.layers.remat import Remat
from t2t_mm.layers.timing import timing_signal


class ExpertsBranch(Layer):
    """Residual branch around the mixture of experts, or around the dense layer that stands in for
    it in ablations.

    Call arguments: x [batch, length, hidden], valid [batch, length], training.

    Returns:
        (x + branch, info of the mixture).
    """

    def __init__(self, hparams: Any, seed: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dropout, self.seed = hparams.dropout, seed
        self.norm = LayerNorm(name="norm")
        self.experts = make_experts(hparams, seed)
        self.out_norm = LayerNorm(scale=BRANCH_SCALE, name="out_norm")

    def build(self, input_shape: Any) -> None:
        for layer in (self.norm, self.experts, self.out_norm):
            layer.build(input_shape)
        self.built = True

    def call(self, x: Any, valid: Any, training: bool = False) -> tuple:
        h, info = self.experts(self.norm(x), valid, training=training)
        return x + dropout(self.out_norm(h), self.dropout, self.seed, training), info

    def step(self, x: Any) -> Any:
        """One position of decoding: [rows, hidden] -> [rows, hidden]."""
        return x + self.out_norm.step(self.experts.step(self.norm.step(x)))


def make_experts(hparams: Any, seed: Any) -> Layer:
    """The mixture of experts, or a dense feed-forward of equal FLOPs or equal parameters."""
    if hparams.feed_forward == "experts":
        return MixtureOfExperts(
            hparams.moe_experts,
            hparams.moe_hidden,
            k=hparams.moe_k,
            capacity_factor=hparams.moe_capacity,
            loss_coefficient=hparams.moe_loss,
            noise=hparams.moe_noise,
            seed=seed,
            name="experts",
        )
    width = hparams.moe_k if hparams.feed_forward == "equal_flops" else hparams.moe_experts
    return FeedForward(width * hparams.moe_hidden, seed=seed, name="feed_forward")


def conv_blocks(count: int, hparams: Any, causal: bool, seed: Any) -> list[ConvBlock]:
    """`count` convolution blocks of the body's width."""
    return [
        ConvBlock(hparams.hidden_size, causal, hparams.dropout, seed, name=f"block{i + 1}")
        for i in range(count)
    ]


class Encoder(Layer):
    """Convolution blocks with a mixture of experts after the middle one: inputs to an encoding of
    the same length.

    Call arguments: x [batch, length, hidden], valid [batch, length], training.

    Returns:
        (encoding [batch, length, hidden], normalised; {"encoder": info of the mixture} or {}).
    """

    def __init__(self, hparams: Any, seed: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.blocks = conv_blocks(hparams.encoder_blocks, hparams, False, seed)
        self.experts = (
            ExpertsBranch(hparams, seed) if hparams.moe_layers in ("both", "encoder") else None
        )
        self.norm = LayerNorm(name="norm")
        self.run = Remat(hparams.rematerialise, seed)

    def build(self, input_shape: Any) -> None:
        for layer in (*self.blocks, self.norm, *([self.experts] if self.experts else [])):
            layer.build(input_shape)
        self.built = True

    def call(self, x: Any, valid: Any, training: bool = False) -> tuple:
        info = {}
        x = apply_mask(x + timing_signal(kernels.size(x, 1), x.shape[-1], x.dtype), valid)
        for i, block in enumerate(self.blocks, start=1):
            x = self.run(block, x, valid=valid, training=training)
            if self.experts and i == (len(self.blocks) + 1) // 2:
                x, info["encoder"] = self.run(self.experts, x, valid=valid, training=training)
        return apply_mask(self.norm(x), valid), info


class Mixer(Layer):
    """I/O mixer: joins the outputs so far with the encoding (paper).

    An attention block on the shifted targets and the encoding, joined to the targets by a step,
    then convolution blocks. Without attention, the mean of the encoding replaces it.

    Call arguments: targets [batch, length, hidden], shifted right by the command token; encoding
    [batch, source length, hidden]; encoding_mask [batch, source length]; training.

    Returns:
        [batch, length, hidden]; position t depends on no target after t.
    """

    def __init__(self, hparams: Any, seed: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        hidden = hparams.hidden_size
        self.attention = (
            AttentionBlock(hidden, hparams.num_heads, hparams.dropout, seed, name="attention")
            if hparams.attention
            else None
        )
        self.join = ConvStep(hidden, 3, causal=True, scale=BRANCH_SCALE, name="join")
        self.blocks = conv_blocks(hparams.mixer_blocks, hparams, True, seed)
        self.run = Remat(hparams.rematerialise, seed)

    def build(self, input_shape: Any) -> None:
        if self.attention:
            self.attention.build(input_shape)
        self.join.build((*input_shape[:-1], 2 * input_shape[-1]))
        for block in self.blocks:
            block.build(input_shape)
        self.built = True

    def call(self, targets: Any, encoding: Any, encoding_mask: Any, training: bool = False) -> Any:
        if self.attention:
            attended = self.run(
                self.attention, targets, encoding, source_mask=encoding_mask, training=training
            )
        else:
            attended = targets + masked_mean(encoding, encoding_mask)
        x = attended + self.join(ops.concatenate([targets, attended], axis=-1))
        for block in self.blocks:
            x = self.run(block, x, training=training)
        return x

    def remember(self, encoding: Any, encoding_mask: Any) -> Any:
        """What all decoding steps read of the encoding."""
        return (
            self.attention.remember(encoding)
            if self.attention
            else masked_mean(encoding, encoding_mask)
        )

    def start(self, batch: Any, beam: int, length: Any) -> Any:
        """The mixer's state before the first position, with room for `length`."""
        state = {
            "join": self.join.start(batch * beam),
            "blocks": [block.start(batch * beam) for block in self.blocks],
        }
        return state | (
            {"attention": self.attention.start(batch, beam, length)} if self.attention else {}
        )

    def step(
        self, target: Any, memory: Any, encoding_mask: Any, position: Position, state: Any
    ) -> tuple:
        """One position: target [rows, hidden], from `remember`, mask, Position, state -> ([rows,
        hidden], state)."""
        state = dict(state)
        if self.attention:
            attended, state["attention"] = self.attention.step(
                target, memory, encoding_mask, position, state["attention"]
            )
        else:
            attended = ops.reshape(position.of_example(target) + memory, (-1, target.shape[-1]))
        x, state["join"] = self.join.step(
            ops.concatenate([target, attended], axis=-1), position, state["join"]
        )
        x, state["blocks"] = attended + x, list(state["blocks"])
        for i, block in enumerate(self.blocks):
            x, state["blocks"][i] = block.step(x, position, state["blocks"][i])
        return x, state


class Decoder(Layer):
    """Blocks of convolutions and attention to the encoding, with a mixture of experts after the
    middle one.

    Call arguments: x [batch, length, hidden], valid [batch, length], encoding, encoding_mask,
    training.

    Returns:
        (output [batch, length, hidden], normalised; {"decoder": info of the mixture} or {}).
    """

    def __init__(self, hparams: Any, seed: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        count = hparams.decoder_blocks
        self.blocks = conv_blocks(count, hparams, True, seed)
        self.attention = [
            AttentionBlock(
                hparams.hidden_size,
                hparams.num_heads,
                hparams.dropout,
                seed,
                name=f"attention{i + 1}",
            )
            for i in range(count if hparams.attention else 0)
        ]
        self.experts = (
            ExpertsBranch(hparams, seed) if hparams.moe_layers in ("both", "decoder") else None
        )
        self.norm = LayerNorm(name="norm")
        self.run = Remat(hparams.rematerialise, seed)

    def build(self, input_shape: Any) -> None:
        for layer in (
            *self.blocks,
            *self.attention,
            self.norm,
            *([self.experts] if self.experts else []),
        ):
            layer.build(input_shape)
        self.built = True

    def call(
        self, x: Any, valid: Any, encoding: Any, encoding_mask: Any, training: bool = False
    ) -> tuple:
        info = {}
        for i, block in enumerate(self.blocks, start=1):
            x = self.run(block, x, training=training)
            if self.attention:
                x = self.run(
                    self.attention[i - 1], x, encoding, source_mask=encoding_mask, training=training
                )
            if self.experts and i == (len(self.blocks) + 1) // 2:
                x, info["decoder"] = self.run(self.experts, x, valid=valid, training=training)
        return self.norm(x), info

    def remember(self, encoding: Any) -> Any:
        """What all decoding steps read of the encoding, for each attention."""
        return [attention.remember(encoding) for attention in self.attention]

    def start(self, batch: Any, beam: int, length: Any) -> Any:
        """The decoder's state before the first position, with room for `length`."""
        return {
            "blocks": [block.start(batch * beam) for block in self.blocks],
            "attention": [attention.start(batch, beam, length) for attention in self.attention],
        }

    def step(
        self, x: Any, memory: Any, encoding_mask: Any, position: Position, state: Any
    ) -> tuple:
        """One position: x [rows, hidden], from `remember`, mask, Position, state -> ([rows,
        hidden], state)."""
        blocks, attention = list(state["blocks"]), list(state["attention"])
        for i, block in enumerate(self.blocks):
            x, blocks[i] = block.step(x, position, blocks[i])
            if self.attention:
                x, attention[i] = self.attention[i].step(
                    x, memory[i], encoding_mask, position, attention[i]
                )
            if self.experts and i + 1 == (len(self.blocks) + 1) // 2:
                x = self.experts.step(x)
        return self.norm.step(x), {"blocks": blocks, "attention": attention}


def masked_mean(x: Any, mask: Any) -> Any:
    """Mean over the real positions: x [batch, length, hidden], mask [batch, length] -> [batch, 1,
    hidden]."""
    count = ops.maximum(ops.sum(ops.cast(mask, "float32"), axis=1, keepdims=True), 1.0)[:, :, None]
    return ops.cast(
        ops.sum(ops.cast(apply_mask(x, mask), "float32"), axis=1, keepdims=True) / count, x.dtype
    )
