"""Fast paths of single backends; every other file in `layers/` is written in keras.ops alone.

TensorFlow on a CPU is slow where XLA is fast, and the other way round: without a compiler, products
over slices whose sizes are known only at run time cost nothing extra, while padding does. A path
here gives the same values and gradients as the keras.ops code that it stands in for.
"""

import contextlib
import functools

import keras
from keras import ops

from t2t_mm import compat

_static = False
_decided = None


@contextlib.contextmanager
def static_shapes():
    """Within it, layers keep to shapes known to a compiler, as on an accelerator, whatever the
    machine."""
    global _static
    before, _static = _static, True
    try:
        yield
    finally:
        _static = before


def on_tensorflow_cpu():
    """Whether the caller runs on TensorFlow, without accelerator and not compiled by XLA.

    The answer holds for the function being traced: what is traced without `jit_compile` can't be
    called later from a function that has it.
    """
    if _static or keras.backend.backend() != "tensorflow" or compiled_by_xla():
        return False
    import tensorflow as tf

    return not (tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("TPU"))


def compiled_by_xla():
    """Whether what the caller computes is, or is going to be, compiled by XLA."""
    if _decided is not None:
        return _decided
    if keras.backend.backend() != "tensorflow":
        return keras.backend.backend() == "jax"
    import tensorflow as tf

    return bool(tf.config.optimizer.get_jit()) or compat.is_compiled_by_xla()


@contextlib.contextmanager
def as_compiled(by_xla):
    """Within it, `compiled_by_xla` is what it was elsewhere: a gradient's graph does not tell."""
    global _decided
    before, _decided = _decided, by_xla
    try:
        yield
    finally:
        _decided = before


def replica():
    """Number of the replica of the model that the caller works in, an int or a scalar; 0 if it is
    the only one."""
    if keras.backend.backend() != "tensorflow":
        return 0
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    several = context is not None and context.num_replicas_in_sync > 1
    return context.replica_id_in_sync_group if several else 0


def depthwise(x, kernel, strides=(1, 1)):
    """Depthwise convolution, not padded: x [batch, h, w, channels], kernel [taps_h, taps_w,
    channels, multiplier].

    Where XLA compiles, as products of shifted slices, which it makes one loop of; its convolutions
    with a group for each channel take four to ten times as long.
    """
    if not compiled_by_xla():
        if strides[0] == strides[1]:
            return ops.depthwise_conv(x, kernel, strides=strides[0], padding="valid")
        # The backend wants equal strides: the axis that strides is thinned out afterwards.
        return ops.depthwise_conv(x, kernel, strides=1, padding="valid")[
            :, :: strides[0], :: strides[1]
        ]
    # In float32: the compiler's loop rounds each sum, where a kernel of a backend's own rounds but
    # the last.
    kernel, dtype, x = ops.cast(kernel, "float32"), x.dtype, ops.cast(x, "float32")
    if kernel.shape[3] > 1:  # each channel so many times, as its filters stand beside each other
        x = ops.repeat(x, kernel.shape[3], axis=-1)
    taps = ops.reshape(kernel, (*kernel.shape[:2], -1))
    return ops.cast(
        sum(each * taps[i, j] for i, j, each in shifted(x, kernel.shape[:2], strides)), dtype
    )


def shifted(x, taps, strides):
    """(i, j, what tap (i, j) of a window meets) for each tap: slices of x [batch, h, w, channels],
    not padded."""
    last = [ops.shape(x)[axis + 1] - taps[axis] + 1 for axis in (0, 1)]
    for i in range(taps[0]):
        for j in range(taps[1]):
            yield i, j, x[:, i : i + last[0] : strides[0], j : j + last[1] : strides[1]]


def max_pool(x, taps, strides):
    """Largest of each window of `taps` × `taps`, of x [batch, h, w, channels], not padded."""
    if not compiled_by_xla():
        return ops.max_pool(x, taps, strides=strides, padding="valid")
    return functools.reduce(ops.maximum, (each for _, _, each in shifted(x, (taps, taps), strides)))


def zeros(shape, dtype):
    """Zeros for `write` to write into."""
    if not on_tensorflow_cpu():
        return ops.zeros(shape, dtype)
    import tensorflow as tf

    # Memory of its own at every run, where equal tf.zeros may become one constant.
    return tf.raw_ops.Empty(shape=shape, dtype=tf.as_dtype(dtype), init=True)


def write(kept, where, values):
    """`kept` [m, ...] with `values` [n, ...] in the places `where` [n].

    On TensorFlow on a CPU in the memory of `kept`, which must come from `zeros` or from an
    operation, and which
    nobody may read any more: `tf.tensor_scatter_nd_update` copies all of it.
    """
    if not on_tensorflow_cpu():
        return ops.scatter_update(kept, where[:, None], values)
    import tensorflow as tf

    return tf.raw_ops.InplaceUpdate(x=kept, i=where, v=values)


def gather(x, where, axis=0):
    """ops.take where no index is negative: in one operation instead of five."""
    if keras.backend.backend() != "tensorflow":
        return ops.take(x, where, axis=axis)
    import tensorflow as tf

    return tf.gather(x, where, axis=axis)


def matmul(a, b, transpose_b=False):
    """ops.matmul of batches of small matrices: [..., m, n] times [..., n, p], or [..., p, n] to be
    transposed."""
    if not on_tensorflow_cpu() or a.shape[-2] != 1 or a.dtype != "float32":
        return ops.matmul(a, ops.swapaxes(b, -1, -2) if transpose_b else b)
    import tensorflow as tf

    # Eigen's kernel, for one row: oneDNN's, which other versions of this operation get, takes 100
    # µs to set itself up.
    return tf.raw_ops.BatchMatMulV3(x=a, y=b, adj_y=transpose_b, Tout=a.dtype)


def softmax(x):
    """ops.softmax of the last axis, of few rows. Spelt out, where the backend's own has to be set
    up first."""
    if not on_tensorflow_cpu():
        return ops.softmax(x)
    x = ops.exp(x - ops.max(x, axis=-1, keepdims=True))
    return x / ops.sum(x, axis=-1, keepdims=True)


def ragged_experts(rows, sizes, w1, b1, w2, b2):
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

    Slices along the first axis share memory with the whole, so no weight is copied. A weight's
    gradient is
    copied once, from its piece to its place: `parallel_stack` does so as soon as the piece is
        there, where
    `stack` would hold gigabytes of pieces first. Of the kernels, MatMul is faster when no operand
    is transposed, BatchMatMul of one matrix when one is; for gradients of small weights it is
    MatMul again.
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
        return tf.concat([*d_rows, rest], 0), *map(tf.parallel_stack, (d_w1, d_b1, d_w2, d_b2))

    return forward, backward
