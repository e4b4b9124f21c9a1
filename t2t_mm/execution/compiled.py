"""Compiles the parts of a model once each, so that all problems share the compiled body.

One graph for each problem would repeat the whole body: some 30,000 operations, half a minute to
trace and optimise. Compiled by parts, the body costs that once, and a further problem only its own
modality nets.
"""

import logging
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from t2t_mm.layers import kernels


class _FalseAlarm(logging.Filter):
    """Drops two of TensorFlow's warnings: that a function is traced too often (it takes all parts,
    which are defined in one line of this file, for one function, and its own that gathers values of
    workers), and that replicas run eagerly (they run the compiled parts)."""

    texts = ("CompiledPart", "compute_gathered_values", "eagerly has significant overhead")

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        return not any(text in message for text in self.texts)


tf.get_logger().addFilter(_FalseAlarm())


class CompiledPart:
    """A function of tensors, compiled at its first call for each value of its keyword arguments and
    each shape of its tensors from the third dimension on.

    Args:
        function: takes tensors (or None), nested at will, and Python values by keyword.
        jit_compile: compile with XLA, each shape by itself.

    Without XLA the first two dimensions of every tensor (batch and length) are left open, so that
    all batches share one graph. Where `tf.config.run_functions_eagerly` says so it is called as it
    is.
    """

    def __init__(self, function: Callable, jit_compile: bool = False) -> None:
        self.function, self.jit_compile = function, jit_compile
        self.open = 0 if jit_compile else 2
        self.graphs = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if tf.config.functions_run_eagerly():
            return self.function(*args, **kwargs)
        leaves = tf.nest.flatten(args)
        tensors = [leaf for leaf in leaves if leaf is not None]
        # Of the shape, what the graph does not leave open: one loss serves vocabularies of several
        # sizes.
        known = tuple(leaf if leaf is None else tuple(leaf.shape[self.open :]) for leaf in leaves)
        key = (tuple(sorted(kwargs.items())), known, self._replica())
        if key not in self.graphs:
            self.graphs[key] = self._compile(args, leaves, tensors, kwargs)
        return self.graphs[key](*tensors)

    @staticmethod
    def _replica():
        """The replica whose variables the graph reads; None where that is known only when it
        runs."""
        replica = kernels.replica()
        known = tf.get_static_value(replica) if tf.is_tensor(replica) else replica
        return None if known is None else int(known)

    def _compile(self, args, leaves, tensors, kwargs):
        def call(*tensors):
            tensors = iter(tensors)
            filled = [None if leaf is None else next(tensors) for leaf in leaves]
            return self.function(*tf.nest.pack_sequence_as(args, filled), **kwargs)

        signature = [open_spec(tensor, self.open) for tensor in tensors]
        graph = tf.function(
            call, input_signature=signature, autograph=False, jit_compile=self.jit_compile
        )
        return graph.get_concrete_function()


class CompiledParts:
    """Runs the parts of a model, each compiled once: what `model.run_part` is set to.

    Args:
        jit_compile: as for `CompiledPart`.

    Attributes:
        parts: {name: CompiledPart} of the parts that were called.
    """

    def __init__(self, jit_compile: bool = False) -> None:
        self.jit_compile = jit_compile
        self.parts: dict[str, CompiledPart] = {}

    def __call__(self, name: str, function: Callable, *tensors: Any, **options: Any) -> Any:
        if name not in self.parts:
            self.parts[name] = self.compile(function)
        return self.parts[name](*tensors, **options)

    def compile(self, function: Callable) -> CompiledPart:
        """A function compiled in the way of the parts."""
        return CompiledPart(function, self.jit_compile)


def open_spec(tensor: Any, left_open: int = 2) -> tf.TensorSpec:
    """The tensor's spec with so many of the first dimensions left open."""
    tensor = tf.convert_to_tensor(tensor)
    return tf.TensorSpec(kernels.open_shape(tensor, left_open), tensor.dtype)
