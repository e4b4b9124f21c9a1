"""Rematerialisation changes no gradient, compiled by XLA or not."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.layers.convolution import ConvStep
from t2t_mm.layers.remat import Remat
from t2t_mm.layers.seeds import Seeds


class Step(ConvStep):
    """A step that is called as the body's layers are."""

    def call(self, x, valid=None, training=False):
        return super().call(x, valid)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_gradients_are_those_of_the_layer(jit_compile):
    layer, x = Step(4, 3), tf.random.stateless_normal((2, 5, 4), (1, 2))
    layer.build(x.shape)
    valid, seeds = tf.sequence_mask([5, 3]), Seeds(0)

    def gradients(on):
        def function(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = Remat(on, seeds)(layer, x, valid=valid, training=True)
                loss = tf.reduce_sum(y**3)
            return tape.gradient(loss, [x, *layer.trainable_variables])

        return tf.function(function, jit_compile=jit_compile, autograph=False)(x)

    for mine, theirs in zip(gradients(True), gradients(False), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4, rtol=1e-4)
