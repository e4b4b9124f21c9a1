"""Checks that every layer must pass: one call a property, over a list of descriptors."""

import dataclasses
import json
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from t2t_mm.runs.names import named_variables

BATCH, LENGTH, HIDDEN = 2, 9, 16


@dataclasses.dataclass(frozen=True)
class Case:
    """One layer to check.

    Attributes:
        make: builds the layer, weights included.
        call: (layer, x, valid, training) -> output [batch, length, ...].
        causal: output t must not depend on input after t.
        masked: takes a mask and must ignore what it hides.
    """

    name: str
    make: Callable
    call: Callable
    causal: bool = False
    masked: bool = True
    shape: tuple = (BATCH, LENGTH, HIDDEN)

    def __str__(self):
        return self.name


def inputs(case, seed=0, length=None):
    """Random inputs with all positions real."""
    shape = (case.shape[0], length or case.shape[1], *case.shape[2:])
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def awake(layer, seed=1):
    """The layer with every weight moved off its first value, so that branches that start at zero
    are heard."""
    rng = np.random.default_rng(seed)
    for weight in layer.trainable_weights:
        weight.assign(weight.numpy() + 0.1 * rng.normal(size=weight.shape).astype("float32"))
    return layer


def run(case, layer, x, valid=None, training=False):
    valid = np.ones(x.shape[:2], bool) if valid is None else valid
    return case.call(layer, tf.constant(x), tf.constant(valid), training)


def check_causal(case):
    layer, x = awake(case.make()), inputs(case)
    before = run(case, layer, x).numpy()
    for t in range(1, x.shape[1]):
        changed = x.copy()
        changed[:, t:] = inputs(case, seed=7)[:, t:]
        after = run(case, layer, changed).numpy()
        # Not to the last bit: experts with other numbers of rows round differently.
        message = f"position {t} was seen before {t}"
        np.testing.assert_allclose(after[:, :t], before[:, :t], rtol=0, atol=1e-5, err_msg=message)
        assert np.abs(after[:, t:] - before[:, t:]).max() > 1e-4, "the layer ignores its input"


def check_padding(case, more=7):
    layer, x = awake(case.make()), inputs(case)
    valid = np.ones(x.shape[:2], bool)
    valid[1, -3:] = False
    rng = np.random.default_rng(5)
    garbage = rng.normal(size=(x.shape[0], more, *x.shape[2:])).astype("float32") * 10
    padded = np.concatenate([x, garbage], axis=1)
    padded[1, x.shape[1] - 3 : x.shape[1]] = 1e3  # what stands under the mask must not matter
    short = run(case, layer, x, valid).numpy()
    long = run(
        case, layer, padded, np.concatenate([valid, np.zeros((x.shape[0], more), bool)], axis=1)
    ).numpy()
    real = stretch(valid, short.shape[1])
    np.testing.assert_allclose(long[:, : short.shape[1]][real], short[real], atol=1e-4, rtol=1e-4)


def stretch(valid, length):
    """The mask at the output's rate: positions 0, s, 2s, ..."""
    return valid[:, :: -(-valid.shape[1] // length)]


def check_gradients(case):
    layer = awake(case.make())
    x = tf.constant(inputs(case))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = run(case, layer, x, training=True)
        loss = tf.reduce_sum(y * tf.random.stateless_normal(y.shape, (1, 2)))
    gradients = tape.gradient(loss, [x, *[w.value for w in layer.trainable_weights]])
    for name, gradient in zip(
        ["input", *[w.path for w in layer.trainable_weights]], gradients, strict=True
    ):
        assert gradient is not None, f"no gradient reaches {name}"
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), name
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, f"the gradient of {name} is zero"


def check_save_restore(case, tmp_path):
    layer, x = awake(case.make()), inputs(case)
    other = case.make()
    assert np.abs(run(case, layer, x) - run(case, other, x)).max() > 1e-4
    path = str(tmp_path / "layer")
    tf.train.Checkpoint(**named(layer)).write(path)
    tf.train.Checkpoint(**named(other)).read(path).assert_existing_objects_matched()
    np.testing.assert_array_equal(run(case, other, x), run(case, layer, x))


def named(layer):
    """The layer's variables under the names that checkpoints give them."""
    return {
        name.replace("/", "."): variable.value for name, variable in named_variables(layer).items()
    }


def check_config(case):
    """Keras makes the layer again from its configuration, by way of JSON."""
    layer, x = awake(case.make()), inputs(case)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(layer) and again.get_config() == layer.get_config()
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(run(case, again, x), run(case, layer, x))


def check_names(case):
    """No attribute of the layer takes the place of one of Keras'."""
    mine = {name for kind in type(case.make()).__mro__ for name in _given_by(kind)}
    shadowed = mine & set(dir(keras.layers.Layer)) - MEANT
    assert not shadowed


MEANT = {"build", "call", "compute_output_shape", "get_config", "from_config", "built"}


def _given_by(kind):
    is_ours = kind.__module__.startswith("t2t_mm")
    return [n for n in vars(kind) if not n.startswith("__")] if is_ours else []


def check_bfloat16(case):
    full = awake(case.make())
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = case.make()
    finally:
        keras.config.set_dtype_policy(policy)
    for a, b in zip(half.weights, full.weights, strict=True):
        assert a.dtype == b.dtype, f"{a.path} is kept as {a.dtype}"
        a.assign(b)
    x = inputs(case)
    y, reference = tf.cast(run(case, half, x), "float32").numpy(), run(case, full, x).numpy()
    assert np.abs(y - reference).mean() < 0.05 * np.abs(reference).mean() + 1e-3


def check_jit(case):
    layer, x = awake(case.make()), inputs(case)
    valid = tf.ones(x.shape[:2], tf.bool)
    compiled = tf.function(
        lambda x: case.call(layer, x, valid, False), jit_compile=True, autograph=False
    )
    np.testing.assert_allclose(compiled(tf.constant(x)), run(case, layer, x), atol=1e-4, rtol=1e-4)
