"""The order in which training reads: computed from a seed, so that any place in it is found again
without what was read before.

At each pass over the data the files come in another random order. What they hold, one after the
other, is cut into windows, and each window is shuffled. Both orders follow from the seed and the
number of the pass, or the window, alone. Prepared data is stored in a random order, so that a
window is a fair sample of it.
"""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from t2t_mm.problem.stored import Records

_ENDLESS = 2**62


class Order:
    """Numbers the records that training reads, from 0 on and without end.

    Args:
        records: of the split, or a worker's share of it; at least one.
        seed: below 2**31.
        window: at most so many records are shuffled together; twice as many are in memory, since
            one window is read while the one before is taken.

    Attributes:
        count: records of a pass: number n is of pass n // count.
    """

    def __init__(self, records: Records, seed: int, window: int) -> None:
        self.records, self.seed, self.count = records, seed, records.count
        windows = -(-self.count // window)
        self._window = -(-self.count // windows)  # all of about the same size
        self._windows = -(-self.count // self._window)  # of a pass
        paths, skips, takes = zip(*records.parts, strict=True)
        self._paths, self._skips, self._takes = list(paths), np.array(skips), np.array(takes)

    def since(self, number: int) -> tf.data.Dataset:
        """(number, record) of all from a number on; int64 and string."""
        first, offset = divmod(number, self.count)
        start = offset - offset % self._window  # of its window
        passes = tf.data.Dataset.range(first, _ENDLESS)
        starts = tf.data.Dataset.from_tensors(np.int64(start)).concatenate(
            tf.data.Dataset.from_tensors(np.int64(0)).repeat()
        )
        windows = tf.data.Dataset.zip(passes, starts).flat_map(self._pass)
        records = windows.prefetch(1).unbatch()
        return records.enumerate(first * self.count + start).skip(offset - start)

    def at(self, numbers: np.ndarray) -> tf.data.Dataset:
        """(number, record) of these numbers, in the order given. Each file is read once, up to the
        last of them."""
        parts, places = self._places(numbers)
        found = {
            (part, place): record
            for part in np.unique(parts)
            for place, record in self._read(part, np.unique(places[parts == part]))
        }
        records = [found[at] for at in zip(parts, places, strict=True)]
        return tf.data.Dataset.from_tensor_slices((numbers, tf.stack(records)))

    def _pass(self, number, start):
        """A pass from a record on with which a window starts: string [n] each."""
        order = self._order_of_files(number)
        takes = tf.gather(self._takes, order)
        done = tf.clip_by_value(start - tf.cumsum(takes, exclusive=True), 0, takes)
        parts = (tf.gather(self._paths, order), tf.gather(self._skips, order) + done, takes - done)
        records = tf.data.Dataset.from_tensor_slices(parts).flat_map(self.records.read)
        # A file that has lost its end would shift all numbers after it.
        records = records.apply(tf.data.experimental.assert_cardinality(self.count - start))
        windows = records.batch(self._window).enumerate(start // self._window)
        return windows.map(
            lambda window, records: tf.gather(
                records, self._order_in(number * self._windows + window, tf.shape(records)[0])
            )
        )

    def _order_of_files(self, number):
        return _permutation(len(self._paths), self.seed, -1 - number)

    def _order_in(self, window, size):
        return _permutation(size, self.seed, window)

    def _places(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of each number the part of the records, and the place in it: int64 [n] each."""
        passes, offsets = np.divmod(numbers, self.count)
        windows = offsets // self._window
        for number, window in sorted({*zip(passes.tolist(), windows.tolist(), strict=True)}):
            rows = (passes == number) & (windows == window)
            start = window * self._window
            size = min(self._window, self.count - start)
            order = self._order_in(number * self._windows + window, size).numpy()
            offsets[rows] = start + order[offsets[rows] - start]  # before the window was shuffled
        parts, places = np.empty_like(offsets), np.empty_like(offsets)
        for number in np.unique(passes):
            rows, files = passes == number, self._order_of_files(number).numpy()
            ends = np.cumsum(self._takes[files])
            which = np.searchsorted(ends, offsets[rows], "right")
            parts[rows] = files[which]
            places[rows] = offsets[rows] - (ends - self._takes[files])[which]
        return parts, places

    def _read(self, part: int, wanted: np.ndarray) -> Iterator[tuple[int, tf.Tensor]]:
        """(place, record) of some places, given in ascending order, of a part."""
        path, skip, _ = self.records.parts[part]
        first, end = wanted[0], wanted[-1] + 1
        is_wanted = np.isin(np.arange(first, end), wanted)
        data = self.records.read(path, skip + first, end - first).enumerate(first)
        data = data.filter(lambda place, record: tf.gather(is_wanted, place - first))
        return ((int(place), record) for place, record in data)


def _permutation(size, seed, number):
    """The `number`-th of the random orders that belong to a seed: int64 [size]."""
    with tf.device("CPU:0"):
        seeds = tf.stack([tf.cast(seed, tf.int64), tf.cast(number, tf.int64)])
        drawn = tf.random.stateless_uniform([size], seeds, None, None, tf.int64, alg="philox")
        return tf.argsort(drawn, stable=True)
