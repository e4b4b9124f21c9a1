"""The depthwise convolution along time, beside its definition."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.layers.convolution import depthwise_1d

TAPS, CHANNELS = 15, 3


def shifted(x, distance):
    """x [batch, length, channels], `distance` positions later, and zeros."""
    there = np.arange(x.shape[1]) + distance
    inside = (there >= 0) & (there < x.shape[1])
    return np.where(inside[None, :, None], x[:, there.clip(0, x.shape[1] - 1)], 0)


def defined(x, kernel, weights, dilation, causal):
    """The convolution, and the gradients of its sum times `weights`: of x, and of the kernel."""
    before = TAPS - 1 if causal else (TAPS - 1) // 2
    distances = [(tap - before) * dilation for tap in range(TAPS)]
    y = sum(shifted(x, d) * row for d, row in zip(distances, kernel, strict=True))
    d_x = sum(shifted(weights, -d) * row for d, row in zip(distances, kernel, strict=True))
    return y, d_x, np.stack([(shifted(x, d) * weights).sum((0, 1)) for d in distances])


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dilation", [1, 8])
@pytest.mark.parametrize("known", [False, True], ids=["open length", "known length"])
def test_depthwise_is_what_it_is_defined_as_at_any_length(dilation, causal, known):
    rng = np.random.default_rng(0)
    graph = tf.function(
        lambda x, kernel, weights: gradients(x, kernel, weights, dilation, causal),
        autograph=False,
        reduce_retracing=False,
    )
    if not known:
        spec = tf.TensorSpec((None, None, CHANNELS))
        graph = graph.get_concrete_function(spec, tf.TensorSpec((TAPS, CHANNELS)), spec)
    for length in (1, 7, 8, 9, 17) if known else (1, 2, 7, 8, 9, 16, 17, 40, 64, 130):
        x, weights = rng.normal(size=(2, 2, length, CHANNELS)).astype("float32")
        kernel = rng.normal(size=(TAPS, CHANNELS)).astype("float32")
        found = graph(*map(tf.constant, (x, kernel, weights)))
        for a, b in zip(found, defined(x, kernel, weights, dilation, causal), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-4)


def gradients(x, kernel, weights, dilation, causal):
    with tf.GradientTape() as tape:
        tape.watch([x, kernel])
        y = depthwise_1d(x, kernel, dilation, causal)
        total = tf.reduce_sum(y * weights)
    return y, *tape.gradient(total, [x, kernel])
