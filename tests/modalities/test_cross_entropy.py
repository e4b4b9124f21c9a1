"""The loss against a plain one, its gradient, and what padding may hold."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.modalities import cross_entropy as module
from t2t_mm.modalities.cross_entropy import cross_entropy

V = 11


def data(seed=0):
    random = np.random.default_rng(seed)
    logits = tf.constant(random.normal(size=(3, 5, V)) * 3, tf.float32)
    targets = tf.constant(random.integers(0, V, (3, 5)), tf.int32)
    mask = tf.constant(random.random((3, 5)) < 0.7)
    return logits, targets, mask


def plain(logits, targets, mask, smoothing):
    """With the smoothed distribution written out, position by position."""
    wanted = (1 - smoothing) * tf.one_hot(targets, V, dtype=tf.float64) + smoothing / V
    losses = -tf.reduce_sum(wanted * tf.nn.log_softmax(tf.cast(logits, tf.float64)), axis=-1)
    return tf.reduce_mean(tf.boolean_mask(losses, mask))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("deterministic", [False, True])
def test_equals_the_plain_loss_in_value_and_gradient(
    smoothing, compiled, deterministic, monkeypatch
):
    monkeypatch.setattr(module.compat, "is_deterministic", lambda: deterministic)
    logits, targets, mask = data()
    function = tf.function(cross_entropy) if compiled else cross_entropy
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        loss, nats, tokens = function(logits, targets, mask, smoothing)
        loss = 3.0 * loss  # so that the upstream gradient counts
        expected = 3.0 * tf.cast(plain(logits, targets, mask, smoothing), tf.float32)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    np.testing.assert_allclose(
        tape.gradient(loss, logits), tape.gradient(expected, logits), atol=1e-6
    )
    np.testing.assert_allclose(nats, plain(logits, targets, mask, 0.0), rtol=1e-5)
    assert tokens == tf.math.count_nonzero(mask, dtype=tf.float32)


def test_padding_may_hold_anything():
    logits, targets, mask = data(1)
    bad = tf.where(mask[..., None], logits, np.inf)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss, _, _ = cross_entropy(tf.where(mask[..., None], logits, 1e30), targets, mask, 0.1)
    np.testing.assert_allclose(loss, cross_entropy(logits, targets, mask, 0.1)[0], rtol=1e-6)
    np.testing.assert_allclose(
        cross_entropy(bad, targets, mask, 0.1)[1], cross_entropy(logits, targets, mask)[1]
    )
    gradient = tape.gradient(loss, logits)
    assert np.isfinite(gradient).all() and not tf.boolean_mask(gradient, ~mask).numpy().any()


def test_a_batch_without_targets_costs_nothing():
    logits, targets, mask = data(2)
    loss, nats, tokens = cross_entropy(logits, targets, tf.zeros_like(mask), 0.1)
    assert loss == nats == tokens == 0


def test_low_precision_logits_are_summed_in_float32():
    logits, targets, mask = data(3)
    half = tf.cast(logits, tf.bfloat16)
    loss, _, _ = cross_entropy(half, targets, mask, 0.1)
    assert loss.dtype == tf.float32
    np.testing.assert_allclose(loss, plain(half, targets, mask, 0.1), rtol=1e-5)
