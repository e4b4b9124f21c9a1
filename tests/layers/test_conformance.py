"""Every layer and every part of the body, checked for the generic properties by being listed
here."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.layers.attention import AttentionBlock, MultiHeadAttention
from t2t_mm.layers.base import Layer
from t2t_mm.layers.convolution import ConvBlock, ConvStep
from t2t_mm.layers.convolution2d import ConvRes, ConvStep2D
from t2t_mm.layers.feed_forward import FeedForward
from t2t_mm.layers.moe import MixtureOfExperts
from t2t_mm.layers.normalization import LayerNorm
from t2t_mm.modalities.net import ModalityNet
from t2t_mm.models.body import Decoder, Encoder, ExpertsBranch, Mixer
from t2t_mm.models.command import CommandToken
from t2t_mm.models.fields import FieldMarker
from t2t_mm.models.transformer import (
    TransformerBlock,
    TransformerDecoder,
    TransformerDecoderBlock,
    TransformerEncoder,
)
from tests.layers import conformance
from tests.layers.conformance import BATCH, HIDDEN, LENGTH, Case

SOURCE = np.random.default_rng(3).normal(size=(BATCH, 6, HIDDEN)).astype("float32")
SOURCE_MASK = np.array([[True] * 6, [True] * 4 + [False] * 2])
HP = HParams().replace(
    hidden_size=HIDDEN,
    num_heads=4,
    encoder_blocks=2,
    mixer_blocks=1,
    decoder_blocks=2,
    moe_experts=4,
    moe_k=2,
    moe_hidden=8,
    dropout=0.0,
)


def built(layer, channels=HIDDEN, rank=3):
    layer.build((*[None] * (rank - 1), channels))
    return layer


def seed():
    return keras.random.SeedGenerator(0)


def causal_mask(x):
    length = x.shape[1]
    return np.tril(np.ones((length, length), bool))[None, None]


def column(layer, x, valid):
    """Runs a two-dimensional layer over [batch, time, 1, channels]."""
    return layer(x[:, :, None], valid)[:, :, 0]


plain = lambda layer, x, valid, training: layer(x)  # noqa: E731
masked = lambda layer, x, valid, training: layer(x, valid)  # noqa: E731

CASES = [
    Case("layer_norm", lambda: built(LayerNorm()), plain, causal=True),
    Case("conv_step", lambda: built(ConvStep(24, 3)), masked),
    Case("conv_step_wide", lambda: built(ConvStep(HIDDEN, 15, dilation=8)), masked),
    Case("conv_step_causal", lambda: built(ConvStep(HIDDEN, 5, causal=True)), plain, causal=True),
    Case(
        "conv_step_causal_dilated",
        lambda: built(ConvStep(HIDDEN, 15, dilation=8, causal=True)),
        plain,
        causal=True,
        shape=(BATCH, 20, HIDDEN),
    ),
    Case("conv_block", lambda: built(ConvBlock(HIDDEN)), masked),
    Case("conv_block_causal", lambda: built(ConvBlock(HIDDEN, causal=True)), plain, causal=True),
    Case(
        "self_attention",
        lambda: built(MultiHeadAttention(HIDDEN, 4)),
        lambda layer, x, valid, training: layer(x, x, causal_mask(x)),
        causal=True,
    ),
    Case(
        "attention_to_source",
        lambda: built(MultiHeadAttention(HIDDEN, 4)),
        lambda layer, x, valid, training: layer(SOURCE, x, valid[:, None, None, :])[:, :1],
    ),
    Case(
        "attention_block",
        lambda: built(AttentionBlock(HIDDEN, 4)),
        lambda layer, x, valid, training: layer(x, SOURCE, SOURCE_MASK),
        causal=True,
    ),
    Case(
        "attention_block_source",
        lambda: built(AttentionBlock(HIDDEN, 4)),
        lambda layer, x, valid, training: layer(SOURCE, x, valid)[:, -1:],
    ),
    Case(
        "experts",
        lambda: built(MixtureOfExperts(4, 8, k=2, seed=seed())),
        lambda layer, x, valid, training: layer(x, valid, training=training)[0],
        causal=True,
    ),
    Case(
        "feed_forward",
        lambda: built(FeedForward(32)),
        lambda layer, x, valid, training: layer(x, valid)[0],
        causal=True,
    ),
    Case(
        "conv_step_2d",
        lambda: built(ConvStep2D(24), rank=4),
        lambda layer, x, valid, _: column(layer, x, valid),
    ),
    Case(
        "conv_res",
        lambda: built(ConvRes(24, strides=(2, 1)), rank=4),
        lambda layer, x, valid, _: column(layer, x, valid),
    ),
    Case(
        "encoder",
        lambda: built(Encoder(HP, seed())),
        lambda layer, x, valid, training: layer(x, valid, training=training)[0],
    ),
    Case(
        "mixer",
        lambda: built(Mixer(HP, seed())),
        lambda layer, x, valid, training: layer(x, SOURCE, SOURCE_MASK, training=training),
        causal=True,
    ),
    Case(
        "mixer_without_attention",
        lambda: built(Mixer(HP.replace(attention=False), seed())),
        lambda layer, x, valid, training: layer(x, SOURCE, SOURCE_MASK, training=training),
        causal=True,
    ),
    Case(
        "decoder",
        lambda: built(Decoder(HP, seed())),
        lambda layer, x, valid, training: layer(x, valid, SOURCE, SOURCE_MASK, training=training)[
            0
        ],
        causal=True,
    ),
    Case(
        "experts_branch",
        lambda: built(ExpertsBranch(HP, seed())),
        lambda layer, x, valid, training: layer(x, valid, training=training)[0],
        causal=True,
    ),
    Case(
        "command_token",
        lambda: built(CommandToken(HIDDEN)),
        lambda layer, x, valid, training: layer.prepend(x)[:, :-1],
    ),
    Case(
        "field_marker",
        lambda: built(FieldMarker(HIDDEN)),
        lambda layer, x, valid, training: layer(x),
        causal=True,
        masked=False,
    ),
    Case(
        "transformer_block",
        lambda: built(TransformerBlock(HP, seed())),
        lambda layer, x, valid, training: layer(x, causal_mask(x), training=training),
        causal=True,
    ),
    Case(
        "transformer_decoder_block",
        lambda: built(TransformerDecoderBlock(HP, seed())),
        lambda layer, x, valid, training: layer(
            x, SOURCE, causal_mask(x), SOURCE_MASK, training=training
        ),
        causal=True,
    ),
    Case(
        "transformer_encoder",
        lambda: built(TransformerEncoder(HP, seed())),
        lambda layer, x, valid, training: layer(x, valid, training=training)[0],
    ),
    Case(
        "transformer_decoder",
        lambda: built(TransformerDecoder(HP, seed())),
        lambda layer, x, valid, training: layer(x, SOURCE, SOURCE_MASK, training=training),
        causal=True,
    ),
]

every = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.mark.parametrize("case", [case for case in CASES if case.causal], ids=str)
def test_causality(case):
    conformance.check_causal(case)


@pytest.fixture(autouse=True)
def same_weights_each_time():
    """In bfloat16 a draw of weights may put a gate on the edge between two experts."""
    keras.utils.set_random_seed(1)


@every
def test_padding_changes_nothing(case):
    conformance.check_padding(case)


@every
def test_every_weight_gets_a_gradient(case):
    conformance.check_gradients(case)


@every
def test_save_and_restore(case, tmp_path):
    conformance.check_save_restore(case, tmp_path)


@every
def test_configuration(case):
    conformance.check_config(case)


@every
def test_nothing_of_keras_is_shadowed(case):
    conformance.check_names(case)


def test_every_layer_is_listed():
    def below(kind):
        return {each for sub in kind.__subclasses__() for each in {sub, *below(sub)}}

    ours = {each for each in below(Layer) if each.__module__.startswith("t2t_mm")}
    assert ours - below(ModalityNet) - {ModalityNet} == {type(case.make()) for case in CASES}


@every
def test_bfloat16(case):
    conformance.check_bfloat16(case)


@every
def test_jit(case):
    conformance.check_jit(case)


@pytest.mark.parametrize("length", [1, 3, 8, 9, 40])
@pytest.mark.parametrize("causal", [False, True])
def test_dilated_convolution_equals_shifted_products(length, causal):
    step = built(ConvStep(HIDDEN, 15, dilation=8, causal=causal))
    x = np.random.default_rng(0).normal(size=(BATCH, length, HIDDEN)).astype("float32")
    kernel = step.depthwise.numpy()
    expected = np.zeros_like(x)
    for tap in range(15):
        shift = (tap - (14 if causal else 7)) * 8
        for t in range(length):
            if 0 <= t + shift < length:
                expected[:, t] += np.maximum(x[:, t + shift], 0) * kernel[tap]
    expected = expected @ step.pointwise.numpy()
    expected = (expected - expected.mean(-1, keepdims=True)) / np.sqrt(
        expected.var(-1, keepdims=True) + 1e-6
    )
    np.testing.assert_allclose(step(tf.constant(x)), expected, atol=1e-4)


def test_sequence_length_is_kept():
    assert built(ConvStep(24, 15, dilation=8))(np.zeros((1, LENGTH, HIDDEN), "float32")).shape == (
        1,
        LENGTH,
        24,
    )
