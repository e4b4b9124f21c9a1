import contextlib
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.layers import gating, kernels, moe
from t2t_mm.layers.feed_forward import FeedForward
from t2t_mm.layers.moe import MixtureOfExperts, one_expert

WIDTH, HIDDEN = 16, 24
PATHS = {"ragged": contextlib.nullcontext, "buffers": kernels.static_shapes}


@pytest.fixture
def use():
    """Takes one of PATHS from here to the end of the test."""
    with contextlib.ExitStack() as stack:
        yield lambda path: stack.enter_context(PATHS[path]())


def make(experts=6, k=2, random_gates=True, **kwargs):
    """A built layer without weights of zero, and with room for every token in every buffer."""
    kwargs = {"capacity_factor": experts / k, "seed": keras.random.SeedGenerator(0), **kwargs}
    layer = MixtureOfExperts(experts, HIDDEN, k, **kwargs)
    layer.build((None, None, WIDTH))
    draw = np.random.default_rng(0).normal
    for name in ("b1", "b2") + (("w_gate", "w_noise") if random_gates else ()):
        weight = getattr(layer, name)
        weight.assign(draw(size=weight.shape, scale=0.5))
    return layer


def inputs(batch=3, length=7, padded=True):
    x = tf.constant(np.random.default_rng(1).normal(size=(batch, length, WIDTH)), tf.float32)
    lengths = np.maximum(length - 2 * np.arange(batch), 1) if padded else np.full(batch, length)
    return x, tf.sequence_mask(lengths, length)


def reference(layer, x, valid, training):
    """Every expert reads every token; gates are zero for the rest (arXiv 1701.06538, equations 1 to
    11)."""
    k, experts = layer.k, layer.num_experts
    tokens, valid = (
        tf.reshape(x, (-1, x.shape[-1])),
        tf.cast(tf.reshape(valid, (-1, 1)), tf.float32),
    )
    w_gate, w_noise, w1, b1, w2, b2 = (tf.convert_to_tensor(w) for w in layer.trainable_variables)
    clean = tokens @ w_gate
    deviation = tf.math.softplus(tokens @ w_noise) + 1e-2
    noisy = (
        clean + deviation * keras.random.normal(clean.shape, seed=layer.seed) if training else clean
    )
    order = np.argsort(-noisy.numpy(), axis=1, kind="stable")
    chosen = np.zeros(noisy.shape, bool)
    np.put_along_axis(chosen, order[:, :k], True, axis=1)
    gates = tf.nn.softmax(tf.where(chosen, noisy, -np.inf)) * valid
    hidden = tf.nn.relu(tf.einsum("td,edh->teh", tokens, w1) + b1)
    y = tf.einsum("te,ted->td", gates, tf.einsum("teh,ehd->ted", hidden, w2) + b2)
    if training and k < experts:
        others = tf.sort(noisy, direction="DESCENDING")
        threshold = tf.where(chosen, others[:, k : k + 1], others[:, k - 1 : k])
        chance = 0.5 * (1 + tf.math.erf((clean - threshold) / deviation / math.sqrt(2)))
    else:
        chance = tf.cast(chosen, tf.float32)
    importance, load = tf.reduce_sum(gates, 0), tf.reduce_sum(chance * valid, 0)
    aux_loss = layer.loss_coefficient * sum(
        tf.math.reduce_variance(v) / tf.reduce_mean(v) ** 2 for v in (importance, load)
    )
    info = {"aux_loss": aux_loss, "importance": importance, "load": load, "dropped": 0.0}
    return tf.reshape(y, x.shape), info


def run(call, layer, x, training):
    """Outputs, and gradients of the input and of all weights, with the noise of a fresh seed."""
    layer.seed.state.assign([5, 0])
    weights = layer.trainable_variables
    with tf.GradientTape() as tape:
        tape.watch(x)
        y, info = call()
        loss = tf.reduce_sum(tf.sin(y + tf.range(WIDTH, dtype=y.dtype))) + tf.cast(
            info["aux_loss"], y.dtype
        )
    gradients = tape.gradient(loss, [x, *(w.value for w in weights)], unconnected_gradients="zero")
    return {"y": y, **info, **dict(zip(["x", *(w.name for w in weights)], gradients, strict=True))}


def assert_equal(found, wanted, tolerance=1e-4):
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    "experts, k, shape, random_gates",
    [
        (6, 2, (3, 7), True),
        (6, 2, (3, 7), False),  # all gates tie
        (4, 4, (3, 7), True),
        (5, 1, (2, 9), True),
        (1, 1, (2, 3), True),
        (40, 4, (2, 5), True),  # most experts are empty
        (6, 2, (1, 1), True),  # one token
        (6, 2, (5, 1), True),  # a decoding step
    ],
)
def test_equals_a_dense_reference(use, path, training, experts, k, shape, random_gates):
    layer = make(experts, k, random_gates)
    x, valid = inputs(*shape)
    wanted = run(lambda: reference(layer, x, valid, training), layer, x, training)
    use(path)
    found = run(lambda: layer(x, valid=valid, training=training), layer, x, training)
    assert_equal(found, wanted)


@pytest.mark.parametrize("path", PATHS)
def test_all_tokens_to_one_expert(use, path):
    layer = make(experts=6, k=1)
    layer.w_gate.assign(np.eye(WIDTH, 6) * [[0, 0, 0, 50, 0, 0]] + np.zeros((WIDTH, 6)))
    x, valid = inputs(4, 90)
    x = tf.concat(
        [x[..., :3], tf.ones_like(x[..., :1]), x[..., 4:]], -1
    )  # channel 3 leads to expert 3
    wanted = run(lambda: reference(layer, x, valid, True), layer, x, True)
    use(path)
    found = run(lambda: layer(x, valid=valid, training=True), layer, x, True)
    assert_equal(found, wanted)
    assert np.flatnonzero(found["importance"]).tolist() == [3]
    assert found["dropped"] == 0


@pytest.mark.parametrize("path", PATHS)
def test_a_batch_of_nothing_but_padding_is_zero(use, path):
    layer = make()
    x, valid = inputs()
    use(path)
    found = run(lambda: layer(x, valid=tf.zeros_like(valid), training=True), layer, x, True)
    for name in ("y", "aux_loss", "importance", "load", "dropped", "x", "w1", "b2", "w_gate"):
        np.testing.assert_array_equal(found[name], np.zeros(found[name].shape), err_msg=name)


@pytest.mark.parametrize("path", PATHS)
def test_padding_is_never_routed(use, path):
    layer = make()
    x, valid = inputs(3, 40)
    junk = tf.where(valid[..., None], x, 1e4 * tf.ones_like(x))
    longer = tf.pad(x, [[0, 0], [0, 60], [0, 0]], constant_values=7.0)
    use(path)
    y, info = layer(x, valid=valid)
    y_junk, info_junk = layer(junk, valid=valid)
    y_longer, info_longer = layer(longer, valid=tf.pad(valid, [[0, 0], [0, 60]]))
    assert_equal({"y": y_junk, **info_junk}, {"y": y, **info}, 1e-5)
    assert_equal({"y": y_longer[:, :40], **info_longer}, {"y": y, **info}, 1e-5)
    assert not np.any(y_longer[:, 40:])
    assert np.sum(info["load"]) == 2 * np.sum(valid)


def test_without_a_valid_every_position_is_routed():
    layer = make()
    x, _ = inputs()
    y, info = layer(x)
    wanted, _ = layer(x, valid=tf.ones(x.shape[:2], bool))
    np.testing.assert_allclose(y, wanted)
    assert np.sum(info["load"]) == 2 * 3 * 7


def test_noise_spreads_tokens_over_experts_whose_gates_are_equal():
    layer = make(experts=8, k=2, random_gates=False)
    x, valid = inputs(4, 100, padded=False)
    _, info = layer(x, valid=valid, training=True)
    assert np.all(info["importance"] > 20)  # 50 on average
    np.testing.assert_allclose(np.sum(info["importance"]), 400, rtol=1e-4)
    assert np.all(np.abs(np.array(info["load"]) - 100) < 20)
    evaluated = layer(x, valid=valid)
    np.testing.assert_array_equal(evaluated[0], layer(x, valid=valid)[0])
    np.testing.assert_allclose(
        evaluated[1]["load"][:2], [400, 400]
    )  # without noise a tie goes to the first


def test_load_estimates_how_often_experts_are_chosen():
    clean = tf.constant(np.random.default_rng(2).normal(size=(1, 6)), tf.float32)
    deviation = tf.constant([[0.3, 1.0, 0.5, 2.0, 0.1, 1.0]])
    draws = tf.ones((20_000, 1))
    seed = keras.random.SeedGenerator(3)
    many = [draws * v for v in (clean, deviation)]
    _, chosen, _, load = gating.noisy_top_k(*many, 2, tf.ones(20_000, bool), seed)
    np.testing.assert_allclose(
        load / 20_000, np.bincount(np.ravel(chosen), minlength=6) / 20_000, atol=0.01
    )


def test_full_buffers_drop_the_last_positions_and_say_so(use):
    layer = make(experts=4, k=2, random_gates=False, capacity_factor=0.5)
    x, valid = inputs(1, 64, padded=False)
    layer.seed.state.assign([5, 0])
    use("buffers")
    y, info = layer(x, valid=valid, training=True)
    rows = layer.capacity(64, training=True)
    layer.seed.state.assign([5, 0])
    y_changed, _ = layer(tf.concat([x[:, :40], -x[:, 40:]], 1), valid=valid, training=True)
    assert rows == 24  # 0.5 * 2 * 64 / 4 = 16, and at least one more
    np.testing.assert_allclose(info["dropped"], 1 - 4 * rows / 128, atol=1e-6)
    np.testing.assert_allclose(y_changed[:, :40], y[:, :40], atol=1e-5)
    assert np.any(np.all(np.array(y) == 0, -1))  # some late position found no room at all
    assert layer(x, valid=valid)[1]["dropped"] == 0  # not in evaluation


MODES = {
    "eager": lambda function, x: function,
    "xla": lambda function, x: tf.function(function, jit_compile=True),
    "unknown shapes": lambda function, x: tf.function(
        function, input_signature=[tf.TensorSpec([None] * (x.ndim - 1) + [WIDTH])]
    ),
}
# What share of the positions go to the first experts: 20 times an even share, and all of them.
UNEVEN = {"most to a few": 1.5, "all to the same": 50.0}


def uneven(preference):
    """A layer with small buffers and gates that prefer some experts, and 400 positions."""
    layer = make(experts=40, k=2, capacity_factor=1.0)
    x, _ = inputs(4, 100)
    x = np.concatenate([np.ones_like(x[..., :1]), x[..., 1:]], axis=-1)
    gate = layer.w_gate.numpy()
    gate[0] = preference * np.sort(np.random.default_rng(3).normal(size=40))[::-1]
    layer.w_gate.assign(gate)
    x[3] = x[0]  # equal inputs
    return layer, x.astype("float32")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("preference", UNEVEN.values(), ids=UNEVEN)
def test_outside_training_nothing_is_dropped(use, mode, preference):
    layer, x = uneven(preference)
    valid = tf.sequence_mask([100, 100, 7, 100], 100)
    wanted, info = reference(layer, x, valid, training=False)
    assert np.max(info["load"]) > layer.capacity(400, training=False)
    use("buffers")
    y, found = MODES[mode](lambda x: layer(x, valid=valid), x)(x)
    np.testing.assert_allclose(y, wanted, atol=1e-4)
    np.testing.assert_allclose(y[3], y[0], atol=1e-6)
    assert found["dropped"] == 0
    np.testing.assert_allclose(found["load"], info["load"])


@pytest.mark.parametrize("mode", MODES)
def test_a_decoding_step_of_many_rows_drops_nothing(use, mode):
    layer, x = uneven(50.0)
    rows = x.reshape(-1, WIDTH)  # [400, channels]
    wanted = layer(x)[0].numpy().reshape(-1, WIDTH)
    use("buffers")
    np.testing.assert_allclose(MODES[mode](layer.step, rows)(rows), wanted, atol=1e-4)


def test_even_loads_take_no_further_blocks(use):
    """The loop behind the buffers is not entered: an export with balanced experts is no slower."""
    layer, x = uneven(0.0)
    use("buffers")
    calls = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moe, "one_expert", lambda *of: calls.append(1) or one_expert(*of))
        layer(x)
        assert len(calls) == 1  # that of all buffers together
        layer.w_gate.assign(uneven(50.0)[0].w_gate)
        layer(x)
    assert 1 + 2 < len(calls) - 1 <= 1 + 400 * 2 // layer.capacity(400, training=False)


@pytest.mark.parametrize("training", [False, True])
def test_compiled_by_xla_and_with_unknown_shapes(use, training, monkeypatch):
    layer = make()
    x, valid = inputs()
    noise = tf.constant(
        np.random.default_rng(4).normal(size=(21, 6)), tf.float32
    )  # XLA's own differs
    monkeypatch.setattr(keras.random, "normal", lambda shape, seed: noise)
    wanted = run(lambda: reference(layer, x, valid, training), layer, x, training)

    def step(x, valid):
        return run(lambda: layer(x, valid=valid, training=training), layer, x, training)

    unknown = [tf.TensorSpec((None, None, WIDTH)), tf.TensorSpec((None, None), tf.bool)]
    assert_equal(tf.function(step, jit_compile=True)(x, valid), wanted)
    for path in PATHS:
        use(path)
        assert_equal(tf.function(step, input_signature=unknown)(x, valid), wanted)


def test_functions_may_run_eagerly_for_a_debugger():
    layer, (x, valid) = make(), inputs()

    def gradients():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(layer(x, valid)[0]))
        learnt = [weight.value for weight in (layer.w_gate, layer.w1, layer.b1, layer.w2, layer.b2)]
        return tape.gradient(loss, learnt)

    compiled = gradients()
    tf.config.run_functions_eagerly(True)
    try:
        for mine, theirs in zip(gradients(), compiled, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)
    finally:
        tf.config.run_functions_eagerly(False)


def test_xla_is_noticed_while_tracing():
    seen = []

    def trace(x):
        seen.append(kernels.on_tensorflow_cpu())
        return x

    tf.function(trace, jit_compile=True)(tf.ones(2))
    tf.function(lambda x: tf.function(trace)(x), jit_compile=True).get_concrete_function(tf.ones(2))
    tf.function(trace)(tf.ones(2))
    trace(tf.ones(2))
    assert seen == [False, False, *[not tf.config.list_logical_devices("GPU")] * 2]


@pytest.mark.parametrize("path", PATHS)
def test_bfloat16_keeps_the_gates_in_float32(use, path):
    layer, half = make(), make(dtype="mixed_bfloat16")
    for weight, same in zip(half.weights, layer.weights, strict=True):
        weight.assign(same)
    x, valid = inputs(3, 50)
    x = tf.cast(tf.cast(x, tf.bfloat16), tf.float32)
    use(path)
    wanted = run(lambda: layer(x, valid=valid), layer, x, False)
    found = run(lambda: half(x, valid=valid), half, x, False)
    assert found["y"].dtype == tf.bfloat16
    np.testing.assert_array_equal(found["load"], wanted["load"])
    assert_equal({"importance": found["importance"]}, {"importance": wanted["importance"]}, 1e-5)
    assert all(gradient.dtype == tf.float32 for name, gradient in found.items() if name != "y")
    for name in ("y", "w1", "w2", "b1", "b2"):
        a, b = np.ravel(np.array(found[name], np.float32)), np.ravel(wanted[name])
        assert np.linalg.norm(a - b) < 0.03 * np.linalg.norm(b), name


def test_number_of_experts_is_checked():
    with pytest.raises(ValueError, match="received k = 5"):
        MixtureOfExperts(4, HIDDEN, k=5)


def test_dense_controls_are_called_in_the_same_way():
    x, valid = inputs()
    layer, experts = FeedForward(2 * HIDDEN), make(k=2)
    y, info = layer(x, valid=valid, training=True)
    assert y.shape == x.shape and info["aux_loss"] == 0
    assert not np.any(y[~valid.numpy()]) and np.all(np.any(y[valid.numpy()], -1))
    moe_y, _ = experts(x, valid=valid, training=True)
    assert moe_y.shape == y.shape and moe_y.dtype == y.dtype
    h = tf.nn.relu(x @ layer.w1 + layer.b1) @ layer.w2 + layer.b2
    np.testing.assert_allclose(y[valid.numpy()], h[valid.numpy()], atol=1e-5)
