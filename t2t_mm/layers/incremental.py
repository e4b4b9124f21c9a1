"""One position at a time: what causal layers keep of earlier positions, and how they find it.

A decoder works on rows: `beam` hypotheses for each example of a batch. What a layer keeps is
written once, at the row that computed it, and never moved. When hypotheses are reordered, only a
small table is, the lineage: for every row and every earlier time it holds the row that computed
that part of the row's past. Convolutions look up the rows of their few taps in it; attention reads
what all rows of an example keep, and masks what is not a row's own past.
"""

import functools
from typing import Any

import numpy as np
from keras import ops

from t2t_mm.layers import kernels
from t2t_mm.layers.timing import timing_signal


def first_lineage(rows: Any, length: Any) -> Any:
    """The lineage before the first position: int32 [rows, length]; -1 for times that are
    still to come."""
    return ops.full((rows, length), -1, dtype="int32")


class Position:
    """One position of the target, for all layers of a decoding step.

    What several layers need is computed once.

    Args:
        time: int32 scalar, the position: 0 reads the command token.
        lineage: int32 [rows, length], see above, as of the last position.
        beam: rows for each example.

    Attributes:
        lineage: with this position filled in, for the next step.
    """

    def __init__(self, time: Any, lineage: Any, beam: int) -> None:
        self.time, self.beam = time, beam
        self.rows, self.length = ops.shape(lineage)
        self.itself = ops.arange(self.rows, dtype="int32")[:, None]  # [rows, 1]
        self.lineage = ops.where(
            ops.arange(self.length, dtype="int32") == time, self.itself, lineage
        )
        self._places = {}

    def of_example(self, x: Any) -> Any:
        """[rows, ...] -> [batch, beam, ...]."""
        return ops.reshape(x, (-1, self.beam, *x.shape[1:]))

    def timing(self, channels: int, dtype: Any) -> Any:
        """The timing signal [1, channels] of this position."""
        return timing_signal(1, channels, dtype, start=self.time)[0]

    def convolve(self, ring: Any, x: Any, kernel: Any, dilation: int) -> tuple:
        """A causal depthwise convolution of one position.

        Args:
            ring: [span * rows, channels], what was convolved at the last `span` positions, the one
                of time t at t % span, zeros before the first; span = (taps - 1) * dilation + 1.
            x: [rows, channels].
            kernel: [taps, channels].

        Returns:
            [rows, channels], and the ring with x in the place of the oldest.
        """
        taps = kernel.shape[0]
        if (taps, dilation) not in self._places:
            self._places[taps, dilation] = self._ring_places(taps, dilation)
        here, seen = self._places[taps, dilation]
        ring = kernels.write(ring, here, x)
        return ops.sum(kernels.gather(ring, seen) * ops.cast(kernel, x.dtype), axis=1), ring

    def _ring_places(self, taps, dilation):
        """Where in a ring this position goes, [rows], and what the taps see, oldest first, [rows,
        taps]."""
        span = (taps - 1) * dilation + 1
        times = self.time + dilation * ops.arange(1 - taps, 1, dtype="int32")  # [taps]
        rows = kernels.gather(self.lineage, ops.maximum(times, 0), axis=1)  # [rows, taps]
        return self.time % span * self.rows + self.itself[:, 0], times % span * self.rows + rows

    @functools.cached_property
    def seen(self) -> Any:
        """What a row attends to among all that its example keeps: bool [batch, 1, beam, beam *
        length]."""
        own = ops.reshape(self.lineage, (-1, self.beam, 1, self.length))
        keeper = ops.reshape(self.itself, (-1, 1, self.beam, 1))
        return ops.reshape(own == keeper, (-1, 1, self.beam, self.beam * self.length))

    def split_heads(self, x: Any, heads: int) -> Any:
        """Queries [rows, channels] -> [batch, heads, beam, channels / heads]."""
        depth = x.shape[1] // heads
        x = self._swapped(ops.reshape(x, (-1, depth)), self.beam, heads)
        return ops.reshape(x, (-1, heads, self.beam, depth))

    def join_heads(self, x: Any) -> Any:
        """[batch, heads, beam, depth] -> [rows, heads * depth]."""
        heads, depth = x.shape[1], x.shape[3]
        return ops.reshape(
            self._swapped(ops.reshape(x, (-1, depth)), heads, self.beam), (-1, heads * depth)
        )

    def _swapped(self, x, m, n):
        """[batch * m * n, depth] -> [batch * n * m, depth]. A gather: transposing so little is
        slower."""
        if 1 in (m, n):
            return x
        key = "swapped", m, n
        if key not in self._places:
            order = np.arange(m * n).reshape(m, n).T.reshape(-1)
            self._places[key] = ops.reshape(m * n * self._examples() + order.astype("int32"), (-1,))
        return kernels.gather(x, self._places[key])

    def _examples(self):
        return ops.arange(self.rows // self.beam, dtype="int32")[:, None]

    def write_heads(self, kept: Any, x: Any) -> Any:
        """Keys or values [batch, heads, beam * length, depth] with those of this position, x [rows,
        channels]."""
        heads, depth = kept.shape[1], kept.shape[3]
        if heads not in self._places:
            keeper, head = np.divmod(np.arange(self.beam * heads, dtype="int32"), heads)
            places = (
                heads * self.beam * self._examples() + head * self.beam + keeper
            ) * self.length + self.time
            self._places[heads] = ops.reshape(places, (-1,))
        flat = kernels.write(
            ops.reshape(kept, (-1, depth)), self._places[heads], ops.reshape(x, (-1, depth))
        )
        return ops.reshape(flat, (-1, heads, self.beam * self.length, depth))
