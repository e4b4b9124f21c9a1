"""What a graph costs: its floating-point operations, and the most bytes that are live at a time.

A graph is gone through in the order in which it was traced, as an executor without much choice
would run it: what an operation gives lives until its last reader has run.
"""

import math
from collections.abc import Collection, Sequence
from typing import Any

import tensorflow as tf

# What they give is their input of the same number under another name.
_ALIASES = {
    "CheckNumerics",
    "EnsureShape",
    "ExpandDims",
    "Identity",
    "IdentityN",
    "PreventGradient",
    "ReadVariableOp",  # of the variable, which is counted elsewhere
    "Reshape",
    "Squeeze",
    "StopGradient",
}
# They write over an input that nobody else reads.
_IN_PLACE = {
    "Add",
    "AddN",
    "AddV2",
    "BiasAdd",
    "Exp",
    "Maximum",
    "Minimum",
    "Mul",
    "Neg",
    "RealDiv",
    "Relu",
    "ReluGrad",
    "Rsqrt",
    "RsqrtGrad",
    "SelectV2",
    "Sigmoid",
    "Softmax",
    "Sqrt",
    "Square",
    "Sub",
    "Tanh",
}


def peak_bytes(
    operations: Sequence[Any],
    to_the_end: Collection[Any] = (),
    uncounted: Collection[Any] = (),
    copies: Collection[str] = (),
) -> int:
    """The most bytes that are live at a time.

    Args:
        operations: of a graph of tensors whose shapes are known, in the order of their run.
        to_the_end: tensors that live until all have run.
        uncounted: tensors that others count.
        copies: names of operations that give new memory, whatever their type says.
    """
    root: dict[str, str] = {}  # name of a tensor -> name of what holds its memory
    size: dict[str, int] = {}  # of memory
    last: dict[str, int] = {}  # name of memory -> number of its last reader
    for number, operation in enumerate(operations):
        for tensor in operation.inputs:
            last[root[tensor.name]] = number
        is_alias = operation.type in _ALIASES and operation.name not in copies
        for index, tensor in enumerate(operation.outputs):
            root[tensor.name] = root[operation.inputs[index].name] if is_alias else tensor.name
            if not is_alias:
                size[tensor.name] = bytes_of(tensor)
    for tensor in uncounted:
        size[root[tensor.name]] = 0
    for tensor in to_the_end:
        last[root[tensor.name]] = len(operations)
    live = most = 0
    for number, operation in enumerate(operations):
        mine = [t.name for t in operation.outputs if root[t.name] == t.name]
        ended = {root[t.name] for t in operation.inputs if last[root[t.name]] == number}
        made, freed = sum(size[name] for name in mine), sum(size[name] for name in ended)
        reused = operation.type in _IN_PLACE and any(size[name] == made for name in ended)
        live += made
        most = max(most, live - made if reused else live)
        live -= freed + sum(size[name] for name in mine if name not in last)
    return most


def bytes_of(tensor: Any) -> int:
    """Bytes of a tensor or variable; of what has no numbers, or no shape, 0."""
    dtype, shape = tf.as_dtype(tensor.dtype), tf.TensorShape(tensor.shape)
    if not shape.is_fully_defined() or dtype in (tf.variant, tf.resource, tf.string):
        return 0
    return math.prod(shape.as_list()) * dtype.size


def float_operations(operations: Sequence[Any]) -> int:
    """Multiplications and additions of the products of matrices and the convolutions."""
    return sum(map(_float_operations, operations))


def _float_operations(operation: Any) -> int:
    kind, inputs = operation.type, [tensor.shape for tensor in operation.inputs]
    if kind in ("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"):
        transposed = operation.get_attr("transpose_a" if kind == "MatMul" else "adj_x")
        inner = inputs[0][-2 if transposed else -1]
        return 2 * inner * operation.outputs[0].shape.num_elements()
    if not kind.startswith(("Conv2D", "DepthwiseConv2dNative")):
        return 0
    # The filter is [height, width, in, out]. Of a gradient it, or the input, is the result, and the
    # positions are those of the gradient that it is made of.
    kernel = operation.outputs[0].shape if kind.endswith("BackpropFilter") else inputs[1]
    positions = inputs[2] if "Backprop" in kind else operation.outputs[0].shape
    reads = kernel[0] * kernel[1] * (kernel[2] if kind.startswith("Conv2D") else 1)
    return 2 * reads * positions.num_elements()
