"""Sinusoidal timing signal: gives layers without an order of their own the position of each
element."""

from typing import Any

import numpy as np
from keras import ops


def timing_signal(length: Any, channels: int, dtype: Any = "float32", start: Any = 0) -> Any:
    """Sines and cosines of positions start .. start + length - 1 (paper: Attention blocks).

    Wavelengths are 2π·10000^(2d/channels).

    Args:
        length: number of positions, an int or a scalar tensor.
        channels: even number of channels; the first half holds the sines, the second the cosines.
        start: the first position, an int or a scalar tensor.

    Returns:
        [1, length, channels].
    """
    pairs = channels // 2
    frequencies = np.power(10000.0, -np.arange(pairs) / pairs).astype("float32")  # [channels / 2]
    angles = (
        ops.cast(ops.arange(length) + start, "float32")[:, None] * frequencies[None, :]
    )  # [length, channels / 2]
    signal = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)
    return ops.cast(signal, dtype)[None]
