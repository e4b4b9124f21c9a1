"""Pointwise convolution: one matrix at every position."""

from typing import Any

from keras import ops

from t2t_mm.layers import kernels


def pointwise(x: Any, kernel: Any) -> Any:
    """[..., channels] times [channels, filters] -> [..., filters].

    One product over all positions. With broadcasting, TensorFlow would multiply example by example
    and sum a gradient of the kernel for each: three to five times slower on short sequences.
    """
    kernel = ops.cast(kernel, x.dtype)
    if len(x.shape) == 2:
        return ops.matmul(x, kernel)
    y = ops.matmul(ops.reshape(x, (-1, x.shape[-1])), kernel)
    return kernels.reshape_like(y, x, kernel.shape[1])
