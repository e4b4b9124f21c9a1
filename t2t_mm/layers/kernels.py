"""Fast paths of single backends; every other file in `layers/` is written in keras.ops alone.

TensorFlow on a CPU is slow where XLA is fast, and vice versa: without a compiler, products over
slices whose sizes are known only at run time cost nothing extra, while padding does. A path here
gives the same values and gradients as the keras.ops code that it replaces.
"""

import contextlib
import functools
from collections.abc import Iterable, Iterator
from typing import Any

import keras
from keras import ops

from t2t_mm import compat

_static = False
_decided = None


@contextlib.contextmanager
def static_shapes() -> Iterator[None]:
    """In this context layers use shapes known at compile time, as on an accelerator."""
    global _static
    before, _static = _static, True
    try:
        yield
    finally:
        _static = before


def are_shapes_static() -> bool:
    """Whether the caller is within `static_shapes`."""
    return _static


def on_tensorflow_cpu() -> bool:
    """Whether the caller runs on TensorFlow, without accelerator and not compiled by XLA.

    The answer holds for the function being traced: what is traced without `jit_compile` can't be
    called later from a function that has it.
    """
    if _static or keras.backend.backend() != "tensorflow" or compiled_by_xla():
        return False
    import tensorflow as tf

    return not (tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("TPU"))


def compiled_by_xla() -> bool:
    """Whether what the caller computes is or will be compiled by XLA."""
    if _decided is not None:
        return _decided
    if keras.backend.backend() != "tensorflow":
        return keras.backend.backend() == "jax"
    import tensorflow as tf

    return bool(tf.config.optimizer.get_jit()) or compat.is_compiled_by_xla()


@contextlib.contextmanager
def as_compiled(by_xla: bool) -> Iterator[None]:
    """In this context `compiled_by_xla` has the given value: a gradient's graph doesn't know it."""
    global _decided
    before, _decided = _decided, by_xla
    try:
        yield
    finally:
        _decided = before


def shares_graphs() -> bool:
    """Whether the caller is traced for TensorFlow and not compiled by XLA, so that a part of it can
    be a graph of its own; never where `tf.config.run_functions_eagerly` wants none."""
    if keras.backend.backend() != "tensorflow" or compiled_by_xla():
        return False
    import tensorflow as tf

    is_eager = tf.executing_eagerly() or tf.config.functions_run_eagerly()
    return not (is_eager or tf.config.list_logical_devices("TPU"))


def open_shape(x: Any, left_open: int = 2) -> tuple:
    """The shape of a tensor with so many of the first dimensions left open."""
    return tuple(None if axis < left_open else size for axis, size in enumerate(x.shape))


def traced(function: Any, kinds: Iterable[tuple]) -> Any:
    """The graph of a function of tensors (TensorFlow), which reads nothing but them.

    Where it is called it stays a call: written out each time, it would have to be prepared for its
    run as often.

    Args:
        kinds: (shape, dtype) of each tensor.
    """
    import tensorflow as tf

    with tf.init_scope():
        graph = tf.function(
            function,
            [tf.TensorSpec(*kind) for kind in kinds],
            autograph=False,
            experimental_attributes={"_noinline": True},
        )
        return graph.get_concrete_function()


def replica() -> Any:
    """Index of the replica of the model that the caller runs in, an int or a scalar; 0 if there is
    only one."""
    if keras.backend.backend() != "tensorflow":
        return 0
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    several = context is not None and context.num_replicas_in_sync > 1
    return context.replica_id_in_sync_group if several else 0


def size(x: Any, axis: int) -> Any:
    """ops.shape(x)[axis], without the operations that read the other sizes."""
    if keras.backend.backend() != "tensorflow" or x.shape[axis] is not None:
        return x.shape[axis]
    import tensorflow as tf

    return tf.shape(x)[axis]


def reshape_like(values: Any, x: Any, *last: int) -> Any:
    """`values` with all dimensions of `x` but its last, and then `last`."""
    if keras.backend.backend() != "tensorflow" or None not in x.shape[1:-1]:
        return ops.reshape(values, (-1, *x.shape[1:-1], *last))
    import tensorflow as tf

    shape = tf.shape(x)
    return tf.reshape(values, shape if last == (x.shape[-1],) else tf.concat([shape[:-1], last], 0))


def depthwise(x: Any, kernel: Any, strides: tuple[int, int] = (1, 1)) -> Any:
    """Depthwise convolution, not padded: x [batch, h, w, channels], kernel [taps_h, taps_w,
    channels, multiplier].

    Where XLA compiles, as products of shifted slices, which it fuses into one loop: its grouped
    convolutions take four to ten times as long.
    """
    if not compiled_by_xla():
        if strides[0] == strides[1]:
            return ops.depthwise_conv(x, kernel, strides=strides[0], padding="valid")
        # The backend wants equal strides: the axis that strides is thinned out afterwards.
        return ops.depthwise_conv(x, kernel, strides=1, padding="valid")[
            :, :: strides[0], :: strides[1]
        ]
    # In float32: the compiler's loop rounds every partial sum, a backend's kernel only the last.
    kernel, dtype, x = ops.cast(kernel, "float32"), x.dtype, ops.cast(x, "float32")
    if kernel.shape[3] > 1:  # each channel is repeated, as its filters are next to each other
        x = ops.repeat(x, kernel.shape[3], axis=-1)
    taps = ops.reshape(kernel, (*kernel.shape[:2], -1))
    return ops.cast(
        sum(each * taps[i, j] for i, j, each in shifted(x, kernel.shape[:2], strides)), dtype
    )


def shifted(x: Any, taps: tuple[int, int], strides: tuple[int, int]) -> Iterator[tuple]:
    """(i, j, inputs of tap (i, j)) for each tap of a window: slices of x [batch, h, w, channels],
    not padded."""
    last = [size(x, axis + 1) - taps[axis] + 1 for axis in (0, 1)]
    for i in range(taps[0]):
        for j in range(taps[1]):
            yield i, j, x[:, i : i + last[0] : strides[0], j : j + last[1] : strides[1]]


def max_pool(x: Any, taps: int, strides: tuple[int, int]) -> Any:
    """Largest of each window of `taps` × `taps`, of x [batch, h, w, channels], not padded."""
    if not compiled_by_xla():
        return ops.max_pool(x, taps, strides=strides, padding="valid")
    return functools.reduce(ops.maximum, (each for _, _, each in shifted(x, (taps, taps), strides)))


def zeros(shape: Any, dtype: Any) -> Any:
    """Zeros for `write` to write into."""
    if not on_tensorflow_cpu():
        return ops.zeros(shape, dtype)
    import tensorflow as tf

    # Fresh memory at every run; equal tf.zeros may become one constant.
    return tf.raw_ops.Empty(shape=shape, dtype=tf.as_dtype(dtype), init=True)


def write(kept: Any, where: Any, values: Any) -> Any:
    """`kept` [m, ...] with `values` [n, ...] in the places `where` [n].

    TensorFlow on a CPU writes them into the memory of `kept`, which must come from `zeros` or from
    an operation and must not be read afterwards: `tf.tensor_scatter_nd_update` would copy it all.
    """
    if not on_tensorflow_cpu():
        return ops.scatter_update(kept, where[:, None], values)
    import tensorflow as tf

    return tf.raw_ops.InplaceUpdate(x=kept, i=where, v=values)


def gather(x: Any, where: Any, axis: int = 0) -> Any:
    """ops.take without negative indices: one operation instead of five."""
    if keras.backend.backend() != "tensorflow":
        return ops.take(x, where, axis=axis)
    import tensorflow as tf

    return tf.gather(x, where, axis=axis)


def matmul(a: Any, b: Any, transpose_b: bool = False) -> Any:
    """ops.matmul of batches of small matrices: [..., m, n] times [..., n, p], or [..., p, n] to be
    transposed."""
    if not on_tensorflow_cpu() or a.shape[-2] != 1 or a.dtype != "float32":
        return ops.matmul(a, ops.swapaxes(b, -1, -2) if transpose_b else b)
    import tensorflow as tf

    # Eigen's kernel, for one row: oneDNN's, which other versions of this operation use, takes 100
    # µs to set up.
    return tf.raw_ops.BatchMatMulV3(x=a, y=b, adj_y=transpose_b, Tout=a.dtype)


def softmax(x: Any) -> Any:
    """ops.softmax of the last axis, for few rows: written out where the backend's own takes long to
    set up."""
    if not on_tensorflow_cpu():
        return ops.softmax(x)
    x = ops.exp(x - ops.max(x, axis=-1, keepdims=True))
    return x / ops.sum(x, axis=-1, keepdims=True)


def ragged_experts(rows: Any, sizes: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    """Feed-forward ReLU experts on consecutive slices of `rows`, each of its own size (TensorFlow
    on a CPU).

    Args:
        rows: [S, D]; expert e reads the `sizes[e]` rows after those of expert e - 1; more rows may
            follow.
        sizes: int32 [E].
        w1, b1, w2, b2: [E, D, H], [E, H], [E, H, D], [E, D].

    Returns:
        [S, D]; zeros in the rows that belong to no expert.
    """
    experts, width, hidden = w1.shape
    forward, backward = _expert_functions(experts, width, hidden, w1.dtype)
    import tensorflow as tf

    @tf.custom_gradient
    def run(rows, w1, b1, w2, b2):
        out, *hiddens = forward(rows, sizes, w1, b1, w2, b2)
        return out, lambda d_out: backward(d_out, rows, sizes, w1, w2, *hiddens)

    return run(rows, *map(tf.convert_to_tensor, (w1, b1, w2, b2)))


@functools.cache
def _expert_functions(experts, width, hidden, dtype):
    """Forward and backward products of all experts, traced once for all layers and callers of one
    shape.

    Slices along the first axis share memory with the tensor, so that no weight is copied. The
    gradient of a weight is copied once: `parallel_stack` copies each piece as soon as it is
    computed, while `stack` would hold gigabytes of pieces first. MatMul is faster where no operand
    is transposed, BatchMatMul of one matrix where one is, except for gradients of small weights.
    """
    import tensorflow as tf

    def spec(*shape):
        return tf.TensorSpec(shape, dtype)

    rows, sizes = spec(None, width), tf.TensorSpec((experts,), tf.int32)
    w1, b1 = spec(experts, width, hidden), spec(experts, hidden)
    w2, b2 = spec(experts, hidden, width), spec(experts, width)

    def product(a, b, transpose_a=False, transpose_b=False):
        return tf.raw_ops.BatchMatMulV2(x=a[None], y=b[None], adj_x=transpose_a, adj_y=transpose_b)[
            0
        ]

    weight_product = product if width * hidden > 2**18 else tf.matmul

    def column_sums(a):
        return tf.matmul(tf.ones((1, tf.shape(a)[0]), dtype), a)[0]

    def pieces(rows, sizes):  # E slices, and zeros for what belongs to no expert
        rest = tf.shape(rows)[:1] - tf.reduce_sum(sizes)
        *slices, last = tf.split(rows, tf.concat([sizes, rest], 0), num=experts + 1)
        return slices, tf.zeros_like(last)

    @tf.function(input_signature=[rows, sizes, w1, b1, w2, b2], autograph=False)
    def forward(rows, sizes, w1, b1, w2, b2):
        slices, rest = pieces(rows, sizes)
        outs, hiddens = [], []
        for x, *weights in zip(slices, *map(tf.unstack, (w1, b1, w2, b2)), strict=True):
            w1_e, b1_e, w2_e, b2_e = weights
            hiddens.append(tf.nn.relu(tf.nn.bias_add(tf.matmul(x, w1_e), b1_e)))  # [n, H]
            outs.append(tf.nn.bias_add(tf.matmul(hiddens[-1], w2_e), b2_e))  # [n, D]
        return tf.concat([*outs, rest], 0), *hiddens

    saved = [spec(None, hidden)] * experts

    @tf.function(input_signature=[rows, rows, sizes, w1, w2, *saved], autograph=False)
    def backward(d_out, rows, sizes, w1, w2, *hiddens):
        slices, rest = pieces(rows, sizes)
        d_outs, _ = pieces(d_out, sizes)
        d_rows, d_w1, d_b1, d_w2, d_b2 = [], [], [], [], []
        for x, h, dy, w1_e, w2_e in zip(
            slices, hiddens, d_outs, tf.unstack(w1), tf.unstack(w2), strict=True
        ):
            dh = tf.raw_ops.ReluGrad(
                gradients=product(dy, w2_e, transpose_b=True), features=h
            )  # [n, H]
            d_rows.append(product(dh, w1_e, transpose_b=True))
            d_w1.append(weight_product(x, dh, transpose_a=True))
            d_w2.append(weight_product(h, dy, transpose_a=True))
            d_b1.append(column_sums(dh))
            d_b2.append(column_sums(dy))
        # where functions run eagerly, for a debugger, there is no parallel_stack
        stack = tf.stack if tf.executing_eagerly() else tf.parallel_stack
        return tf.concat([*d_rows, rest], 0), *map(stack, (d_w1, d_b1, d_w2, d_b2))

    return forward, backward
