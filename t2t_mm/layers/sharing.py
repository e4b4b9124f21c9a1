"""Layers that differ in nothing but their weights share one graph.

A model repeats a few kinds of block many times, and most of the time to its first step goes into
tracing. So a block is traced once, as a function of its weights, for all blocks that are made
alike: of one model, and of all models of the process.
"""

import collections
import contextlib
import threading
from typing import Any

import keras
from keras import ops, tree

from t2t_mm.layers import kernels

_KEPT = 256  # graphs; the least recently used go first
_graphs: collections.OrderedDict = collections.OrderedDict()
_lock = threading.RLock()
_TENSOR = "tensor"  # stands for one in a layout


def call(layer: Any, *tensors: Any, seed: Any = None, **others: Any) -> Any:
    """`layer(*tensors, **others)`, by the graph that layers made alike share.

    Only where TensorFlow traces: eager calls, JAX, and what XLA compiles call the layer itself; so
    does a layer that keeps more than weights, such as moving averages.

    Args:
        layer: a built layers.base.Layer; what it computes depends on its weights, its constructor's
            arguments and its inputs alone.
        tensors, others: its inputs: tensors [batch, length, ...], of which the graph leaves batch
            and length open, or what can be hashed.
        seed: the layers.seeds.Seeds that it draws from when `training`, if it draws.
    """
    if not kernels.shares_graphs() or _keeps_more_than_weights(layer, seed):
        return layer(*tensors, **others)
    weights = [ops.convert_to_tensor(w) for w in layer.weights]
    draws = seed is not None and others.get("training", False)
    inputs = (weights, seed.next() if draws else None, tensors, others)
    leaves = [x for x in tree.flatten(inputs) if ops.is_tensor(x)]
    layout = tree.map_structure(lambda x: _TENSOR if ops.is_tensor(x) else x, inputs)

    def run(*leaves):
        leaves = iter(leaves)
        weights, first, tensors, others = tree.map_structure(
            lambda x: next(leaves) if x is _TENSOR else x, layout
        )
        mapping = list(zip(layer.weights, weights, strict=True))
        drawing = seed.following(first) if draws else contextlib.nullcontext()
        with keras.StatelessScope(state_mapping=mapping), drawing:
            return layer(*tensors, **others)

    shapes = tuple((x.dtype, tuple(x.shape[2:])) for x in leaves[len(weights) :])
    key = (*layer.made_like(), repr(layout), shapes, kernels.are_shapes_static())
    with _lock:
        if key not in _graphs:
            _graphs[key] = kernels.traced(run, leaves, len(weights))
            while len(_graphs) > _KEPT:
                _graphs.popitem(last=False)
        _graphs.move_to_end(key)
        graph = _graphs[key]
    return graph(*leaves)


def _keeps_more_than_weights(layer, seed):
    """Whether a graph that reads weights alone would lose something that the layer changes."""
    known = {id(w) for w in layer.trainable_weights} | {id(seed.state) if seed else None}
    return any(id(v) not in known for v in layer.variables)
