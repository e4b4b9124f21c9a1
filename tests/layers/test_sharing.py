"""Blocks that are made alike share one graph, and compute what they compute by themselves."""

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.layers import kernels, sharing
from t2t_mm.layers.base import Layer
from t2t_mm.layers.convolution import ConvBlock
from t2t_mm.layers.seeds import Seeds


@pytest.fixture
def graphs(monkeypatch):
    """The graphs that a test makes."""
    made = sharing.collections.OrderedDict()
    monkeypatch.setattr(sharing, "_graphs", made)
    return made


def blocks(count, seed=None, causal=True, dropout=0.0):
    made = [ConvBlock(8, causal, dropout, seed) for _ in range(count)]
    for block in made:
        block.build((None, None, 8))
    return made


def traced(some, x, training=False, seed=None):
    """(Output of the blocks one after another, gradients of input and weights), from one graph."""
    weights = [v.value for block in some for v in block.trainable_variables]

    @tf.function(autograph=False)
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for block in some:
                y = sharing.call(block, y, seed=seed, training=training)
        return y, tape.gradient(y, [x, *weights])

    return run(x)


X = tf.constant(np.random.default_rng(0).normal(size=(2, 5, 8)), tf.float32)


def test_blocks_made_alike_share_a_graph_and_keep_their_own_weights(graphs, monkeypatch):
    some = blocks(3)
    shared = traced(some, X)
    assert len(graphs) == 1
    monkeypatch.setattr(kernels, "shares_graphs", lambda: False)
    by_themselves = traced(some, X)
    for one, other in zip(tf.nest.flatten(shared), tf.nest.flatten(by_themselves), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    assert not np.array_equal(*(traced([block], X)[0] for block in some[:2]))


def test_blocks_made_otherwise_or_called_otherwise_have_graphs_of_their_own(graphs):
    traced([*blocks(1), *blocks(1, causal=False)], X)
    assert len(graphs) == 2
    traced(blocks(1), X, training=True, seed=Seeds(1))
    assert len(graphs) == 3
    traced(blocks(1), X[:1, :3])  # another batch and length
    assert len(graphs) == 3


def test_each_call_draws_its_own_dropout(graphs):
    seed = Seeds(1)
    (block,) = blocks(1, seed, dropout=0.5)
    first, second = (traced([block], X, training=True, seed=seed)[0] for _ in range(2))
    assert len(graphs) == 1 and not np.array_equal(first, second)


def test_a_graph_does_not_keep_the_model_that_it_was_traced_for(graphs):
    (block,) = blocks(1)
    traced([block], X)
    gone = weakref.ref(block)
    del block
    gc.collect()
    assert graphs and gone() is None


def test_the_graphs_that_were_used_last_are_kept(graphs, monkeypatch):
    monkeypatch.setattr(sharing, "_KEPT", 2)
    one, two, three = blocks(1), blocks(1, causal=False), blocks(1, dropout=0.1)
    for some in (one, two, one, three):
        traced(some, X)
    kept = list(graphs)
    traced(one, X)
    assert len(graphs) == 2 and sorted(map(repr, kept)) == sorted(map(repr, graphs))


def test_eager_calls_are_not_traced(graphs):
    (block,) = blocks(1)
    np.testing.assert_allclose(
        sharing.call(block, X, training=False), traced([block], X)[0], rtol=1e-6, atol=1e-6
    )
    assert len(graphs) == 1


class Mean(Layer):
    """x minus a moving average of it, which training brings nearer."""

    def build(self, input_shape):
        self.mean = self.add_weight(shape=(8,), initializer="zeros", trainable=False)
        self.built = True

    def call(self, x, training=False):
        if training:
            self.mean.assign(0.5 * self.mean + 0.5 * tf.reduce_mean(x, (0, 1)))
        return x - self.mean


def test_a_layer_that_keeps_more_than_weights_is_called_itself(graphs):
    layer = Mean()
    layer.build(X.shape)
    tf.function(lambda x: sharing.call(layer, x, training=True), autograph=False)(X)
    assert not graphs and np.abs(layer.mean).sum() > 0


def test_static_shapes_have_graphs_of_their_own(graphs):
    traced(blocks(1), X)
    with kernels.static_shapes():
        traced(blocks(1), X)
    assert len(graphs) == 2
