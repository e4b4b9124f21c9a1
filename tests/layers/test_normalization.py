"""The written gradient of layer normalisation against the derived one."""

import numpy as np
import tensorflow as tf

from t2t_mm.layers.normalization import EPSILON, layer_norm


def plain(x, scale, offset):
    mean, variance = tf.nn.moments(x, [-1], keepdims=True)
    return (x - mean) * tf.math.rsqrt(variance + EPSILON) * scale + offset


def test_values_and_gradients_equal_the_plain_formula():
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(3.0, 2.0, size=(4, 5, 16)), tf.float32)
    scale, offset = (tf.constant(rng.normal(size=16), tf.float32) for _ in range(2))
    weights = tf.constant(rng.normal(size=(4, 5, 16)), tf.float32)
    results = []
    for norm in (layer_norm, plain):
        with tf.GradientTape() as tape:
            tape.watch([x, scale, offset])
            y = norm(x, scale, offset)
            loss = tf.reduce_sum(weights * y**2)
        results.append([y, *tape.gradient(loss, [x, scale, offset])])
    for ours, wanted in zip(*results, strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-4, atol=1e-4)


def test_a_constant_input_stays_finite():
    x = tf.zeros((2, 8))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer_norm(x, tf.ones(8), tf.zeros(8))
    assert np.isfinite(y).all() and np.isfinite(tape.gradient(y, x)).all()
