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
_TENSOR = object()  # stands for one in a layout


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
    inputs = [x for x in tree.flatten((tensors, others)) if ops.is_tensor(x)]
    layout = tree.map_structure(lambda x: _TENSOR if ops.is_tensor(x) else x, (tensors, others))
    seed = seed if others.get("training") else None
    kinds = tuple((kernels.open_shape(x), x.dtype) for x in inputs)
    key = (*layer.made_like(), repr(layout), kinds, seed is None, kernels.are_shapes_static())
    with _lock:
        if key not in _graphs:
            _graphs[key] = _Graph(layer, weights, seed, kinds, layout)
            while len(_graphs) > _KEPT:
                _graphs.popitem(last=False)
        _graphs.move_to_end(key)
        graph = _graphs[key]
    return graph(weights, seed, inputs)


class _Graph:
    """The graph of a layer, as a function of its weights, of the seeds that it draws, and of its
    inputs."""

    def __init__(self, layer, weights, seed, kinds, layout):
        self.draws, self.dtype = 0, seed.state.dtype if seed else "int32"  # of the seeds

        def run(seeds, *leaves):
            mapping = list(zip(layer.weights, leaves[: len(weights)], strict=True))
            leaves = iter(leaves[len(weights) :])
            tensors, others = tree.map_structure(
                lambda x: next(leaves) if x is _TENSOR else x, layout
            )
            drawing = seed.among(seeds) if seed else contextlib.nullcontext([])
            with keras.StatelessScope(state_mapping=mapping), drawing as drawn:
                result = layer(*tensors, **others)
            self.draws = len(drawn)
            return result

        of_weights = [(w.shape, w.dtype) for w in weights]
        self.run = kernels.traced(run, [((None, 2), self.dtype), *of_weights, *kinds])

    def __call__(self, weights, seed, inputs):
        seeds = [seed.next() for _ in range(self.draws)]  # in the order of the layer itself
        drawn = ops.stack(seeds) if seeds else ops.zeros((0, 2), self.dtype)
        return self.run(drawn, *weights, *inputs)


def _keeps_more_than_weights(layer, seed):
    """Whether a graph that reads weights alone would lose something that the layer changes."""
    known = {id(w) for w in layer.trainable_weights} | {id(seed.state) if seed else None}
    return any(id(v) not in known for v in layer.variables)
