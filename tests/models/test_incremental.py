"""Decoding position by position equals the whole model, whatever the hparams, the padding and the
beam."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.layers import kernels
from t2t_mm.models.multimodel import MultiModel
from tests.layers.conformance import awake
from tests.models.cases import HP, MODELS, PROBLEMS, batch

ABLATIONS = {
    "whole": {},
    "no_attention": {"attention": False},
    "no_moe": {"moe_layers": "none"},
    "moe_in_encoder": {"moe_layers": "encoder"},
    "dense_flops": {"feed_forward": "equal_flops"},
    "dense_params": {"feed_forward": "equal_params"},
    "separate_embeddings": {"share_embeddings": False},
    "one_block": {"decoder_blocks": 1, "mixer_blocks": 2, "num_heads": 2},
}


def made(problems=("translate",), kind=MultiModel, **changes):
    return awake(kind(HP.replace(**changes), [PROBLEMS[name] for name in problems]))


@pytest.fixture(scope="module", params=MODELS.values(), ids=MODELS)
def model(request):
    names = ("translate", "parse", "caption", "transcribe", "classify_text")
    return made(names, request.param)


def teacher_forced(model, data, name):
    return model(data | {"targets_mask": tf.ones_like(data["targets"], tf.bool)}, problem=name)[
        "logits"
    ].numpy()


def incremental(model, data, name):
    """Logits [batch, length, pieces] of cached steps that are fed the targets."""
    memory = model.remember(data, name)
    size, length = data["targets"].shape
    state = model.start(memory, 1, length)
    ids, logits = tf.zeros([size], tf.int32), []
    for time in range(length):
        step, state = model.step(ids, tf.constant(time), memory, state, name)
        logits.append(step)
        ids = data["targets"][:, time]
    return tf.stack(logits, axis=1).numpy()


@pytest.mark.parametrize("changes", ABLATIONS.values(), ids=ABLATIONS)
def test_equals_teacher_forcing(changes):
    model, data = made(**changes), batch(PROBLEMS["translate"], size=3, target_length=7)
    wanted = teacher_forced(model, data, "translate")
    np.testing.assert_allclose(incremental(model, data, "translate"), wanted, atol=1e-4)


@pytest.mark.parametrize("name", ["translate", "parse", "caption", "transcribe"])
def test_every_kind_of_input(model, name):
    data = batch(PROBLEMS[name], size=2, target_length=4)
    wanted = teacher_forced(model, data, name)
    np.testing.assert_allclose(incremental(model, data, name), wanted, atol=1e-4)


def loop(model, targets, memory, beam=1, parents=None, jit_compile=False):
    """As `incremental`, in one while loop: targets [rows, length]; parents int32 [length, rows]
    reorder after steps."""
    rows, length = targets.shape

    @tf.function(autograph=False, jit_compile=jit_compile)
    def run():
        def body(time, logits, state):
            ids = tf.gather(targets, tf.maximum(time - 1, 0), axis=1)
            step, state = model.step(ids, time, memory, state, "translate", beam)
            if parents is not None:
                state = model.reorder(state, parents[time])
            return time + 1, logits.write(time, step), state

        array = tf.TensorArray(tf.float32, length)
        start = tf.constant(0), array, model.start(memory, beam, length)
        _, logits, _ = tf.while_loop(
            lambda time, *_: time < length, body, start, parallel_iterations=1
        )
        return logits.stack()

    first = run().numpy()
    np.testing.assert_array_equal(run(), first)  # what is written in place starts again
    return first.transpose(1, 0, 2)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_as_on_an_accelerator(model, jit_compile):
    """Static shapes, nothing written in place by hand; and XLA, which notices for itself."""
    data = batch(PROBLEMS["translate"], size=2, target_length=20)
    wanted, memory = teacher_forced(model, data, "translate"), model.remember(data, "translate")
    with contextlib.nullcontext() if jit_compile else kernels.static_shapes():
        found = loop(model, data["targets"], memory, jit_compile=jit_compile)
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_long_targets_see_through_the_widest_convolution(model):
    """130 positions: the kernel of 15 with dilation 8 reaches 113 back, and its ring goes round."""
    data = batch(PROBLEMS["translate"], size=2, target_length=130)
    wanted = teacher_forced(model, data, "translate")
    found = loop(model, data["targets"], model.remember(data, "translate"))
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_reordered_hypotheses_take_their_past_with_them(model):
    """Random parents at every step, as in beam search, against each hypothesis's own text."""
    beam, length, rng = 3, 130, np.random.default_rng(3)
    data = batch(PROBLEMS["translate"], size=2)
    rows = 2 * beam
    parents = np.stack(
        [rng.integers(0, beam, rows) + np.repeat([0, beam], beam) for _ in range(length)]
    )
    written = rng.integers(3, 40, (rows, length)).astype("int32")  # read by row r at time t + 1
    found = loop(
        model,
        tf.constant(written),
        model.remember(data, "translate"),
        beam,
        tf.constant(parents, tf.int32),
    )

    text = np.zeros((rows, 0), "int32")
    for time in range(length):  # text[r]: what row r has read once it was reordered
        text = np.concatenate([text[parents[time]], written[:, time : time + 1]], axis=1)
        if time in (0, 5, 40, length - 2):
            wide = {key: tf.repeat(data[key], beam, axis=0) for key in ("inputs", "inputs_mask")}
            whole = teacher_forced(
                model, wide | {"targets": tf.constant(np.pad(text, [[0, 0], [0, 1]]))}, "translate"
            )
            np.testing.assert_allclose(found[:, time + 1], whole[:, -1], atol=1e-4)


def test_padding_and_batch_change_nothing(model):
    data = batch(PROBLEMS["translate"], size=3)
    together = incremental(model, data, "translate")
    for i, length in enumerate((11, 8, 8)):
        alone = {key: value[i : i + 1] for key, value in data.items()}
        alone |= {key: alone[key][:, :length] for key in ("inputs", "inputs_mask")}
        np.testing.assert_allclose(
            incremental(model, alone, "translate")[0], together[i], atol=1e-4
        )


def test_classes_are_not_decoded(model):
    with pytest.raises(ValueError, match="classify_text are classes"):
        model.remember(batch(PROBLEMS["classify_text"]), "classify_text")
