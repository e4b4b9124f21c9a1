"""How versions up to 0.1.0 read, for runs that they began: these go on in the order that they had.

Their order is that of tf.data's shuffle buffers, and their position the state of an iterator, with
all that its buffers hold.
"""

import os

import tensorflow as tf

from t2t_mm.data.pipeline.batching import Batching


class EarlierStream:
    """The endless training batches of a problem.

    Args:
        batching: how the examples become batches of training.
    """

    def __init__(self, batching: Batching) -> None:
        self.seed = batching.seed
        worker, workers = batching.share
        data = batching.problem.examples("train", shuffle_seed=batching.seed)
        if workers > 1:
            data = data.shard(workers, worker)
        data = data.shuffle(batching.shuffled, seed=batching.seed).repeat().enumerate()
        data = data.map(batching.encode, num_parallel_calls=batching.threads)
        self._iterator = iter(batching.grouped(data.filter(batching.fits)))

    def next(self) -> dict[str, tf.Tensor]:
        """The next batch."""
        return next(self._iterator)

    def write(self, path: str | os.PathLike) -> None:
        """Writes the position to `<path>.*`."""
        tf.train.Checkpoint(iterator=self._iterator).write(str(path))

    def read(self, path: str | os.PathLike) -> None:
        """Takes up a position that was written.

        Raises:
            tf.errors.NotFoundError: the data is not where it was.
        """
        tf.train.Checkpoint(iterator=self._iterator).read(str(path)).assert_consumed()
