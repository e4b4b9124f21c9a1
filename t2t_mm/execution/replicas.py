"""The replicas of a model on devices and machines: who reads which examples, what all agree
on."""

import contextlib
import functools
import itertools
import json
import queue
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm.errors import UserError
from t2t_mm.execution.exchange import Exchange


class Replicas:
    """The replicas of a model that a strategy keeps equal.

    Each reads a part of every batch, and all make the same update with the sum of their gradients.
    With several workers, each reads its own share of the data, and the chief alone writes.

    Args:
        strategy: of distribution; the one in whose scope this is called, if not given, and one
            device outside of any.

    Attributes:
        count: replicas, those of all workers.
        worker, workers: number of this worker, and how many there are.
        is_chief: whether this worker writes.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None) -> None:
        self.strategy = strategy or tf.distribute.get_strategy()
        self.count = self.strategy.num_replicas_in_sync
        resolver = self.strategy.cluster_resolver
        cluster = (
            resolver.cluster_spec().as_dict()
            if resolver and resolver.task_type in ("chief", "worker")
            else {}
        )
        chiefs, others = len(cluster.get("chief", ())), len(cluster.get("worker", ()))
        self.workers, self.worker = max(1, chiefs + others), 0
        if cluster and resolver.task_type == "worker":
            self.worker = chiefs + resolver.task_id
        self.is_chief = self.worker == 0
        self.local = self.count // self.workers
        self.is_tpu = isinstance(self.strategy, tf.distribute.TPUStrategy)
        self._free: queue.SimpleQueue[int] = queue.SimpleQueue()  # of this worker's replicas
        for replica in range(self.local):
            self._free.put(replica)

    def scope(self) -> contextlib.AbstractContextManager:
        """The context in which variables are made, and in which all below is called."""
        return self.strategy.scope()

    def run(self, function: Callable, batches: Sequence[dict]) -> Any:
        """`function(batches)` in each replica, with its part of each of the batches; see `first`
        for the results."""
        if self.count == 1 and not self.is_tpu:
            return function(batches)
        return self.strategy.run(
            function, args=([self._spread(split(batch, self.local)) for batch in batches],)
        )

    def _spread(self, parts):
        """The parts of a batch, one for each local replica, as one batch whose values are
        distributed."""
        first = self.worker * self.local
        spread = self.strategy.experimental_distribute_values_from_function
        return {
            key: spread(
                lambda context, key=key: parts[context.replica_id_in_sync_group - first][key]
            )
            for key in parts[0]
        }

    def share_out(self, work: Callable, items: Iterable) -> list:
        """`work(item)` for each of the items: a list, in their order.

        Each is done as a whole by one replica of this worker, with its copy of the variables, as
        soon as that is free. So replicas do at a time what takes them different times, and a result
        does not depend on their number. `work` must not wait for other replicas.
        """
        if self.local == 1 or self.is_tpu:
            return [work(item) for item in items]
        with ThreadPoolExecutor(self.local) as pool:
            return list(pool.map(functools.partial(self._in_free_one, work), items))

    def in_each(self, work: Callable[[], Any]) -> None:
        """Calls `work` in each replica of this worker as `share_out` does, one after the other."""
        if self.local == 1 or self.is_tpu:
            work()
            return
        for replica in range(self.local):
            with self._inside(replica):
                work()

    def _in_free_one(self, work, item):
        replica = self._free.get()
        try:
            with self._inside(replica):
                return work(item)
        finally:
            self._free.put(replica)

    @contextlib.contextmanager
    def _inside(self, replica):
        """What is called within computes on the device of a replica of this worker, and reads its
        variables. `Strategy.run` can't do this: it runs one replica after the other."""
        place = tf.device(self.strategy.extended.worker_devices[replica])
        number = self.worker * self.local + replica
        with tf.distribute.ReplicaContext(self.strategy, number), place:
            yield

    def first(self, results: Any) -> Any:
        """Of results that are equal in all replicas, those of the first."""
        if self.count == 1:
            return results
        return tf.nest.map_structure(
            lambda value: self.strategy.experimental_local_results(value)[0], results
        )

    def local_sum(self, results: Any) -> Any:
        """The sum over the replicas of this worker."""
        return tf.nest.map_structure(
            lambda value: sum(self.strategy.experimental_local_results(value)), results
        )

    def sum(self, values: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """In a replica: the sums of tensors over all replicas, a list; with a gradient."""
        if self.count == 1:
            return list(values)
        return tf.distribute.get_replica_context().all_reduce(
            tf.distribute.ReduceOp.SUM, list(values)
        )

    def exchange(self, least: int) -> Exchange:
        """What shares out experts over these replicas, of layers whose experts have at least so
        many parameters."""
        return Exchange(self.count, least, over_workers=self.workers > 1)

    def sum_over_workers(self, values: Any) -> Any:
        """A float64 array, summed over the workers, all of which must call this."""
        if self.workers == 1:
            return values
        share = tf.constant(values, tf.float64) / self.local  # every replica brings it
        total = self.strategy.run(
            lambda: tf.distribute.get_replica_context().all_reduce("SUM", share)
        )
        return self.first(total).numpy()

    def any(self, value: bool) -> bool:
        """Whether the value is true in any worker; all must ask."""
        return value if self.workers == 1 else bool(self.sum_over_workers([float(value)])[0])

    def from_chief(self, values: Any) -> Any:
        """A JSON-able value of the chief, in all workers."""
        return self._from(0, values)

    def from_all(self, values: Any) -> list:
        """The JSON-able values of all workers, in all of them; those of the first come first."""
        return [self._from(worker, values) for worker in range(self.workers)]

    def _from(self, worker, values):
        if self.workers == 1:
            return values
        sent = np.frombuffer(json.dumps(values).encode(), np.uint8)
        sent = sent if self.worker == worker else sent[:0]
        length = int(self.sum_over_workers([float(len(sent))])[0])
        padded = np.pad(sent, (0, length - len(sent))).astype(np.float64)
        received = self.sum_over_workers(padded)
        return json.loads(bytes(received.round().astype(np.uint8)))

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Raises a UserError where another worker is lost in the meantime."""
        try:
            yield
        except tf.errors.OpError as error:
            if self.workers == 1:
                raise
            reason = re.sub(r"{{.*?}} ?", "", str(error).splitlines()[0])[:200]
            raise UserError(
                f"Worker {self.worker} lost another worker or the link to it ({reason}). Start the "
                "same command on all of them again: they resume from the last checkpoint."
            ) from error

    def __str__(self) -> str:
        if self.count == 1:
            return "one device"
        workers = (
            f" of {self.workers} workers, this is worker {self.worker}" if self.workers > 1 else ""
        )
        return f"{self.count} replicas{workers} ({type(self.strategy).__name__})"


def split(batch: dict[str, tf.Tensor], count: int) -> list[dict[str, tf.Tensor]]:
    """The batch in `count` parts along its first axis.

    Each part has at least one row: where there are too few, a copy of the first in which all is
    padding.
    """
    if count == 1:
        return [batch]
    rows = batch["targets"].shape[0]
    if rows < count:
        padding = {key: tf.repeat(value[:1], count - rows, axis=0) for key, value in batch.items()}
        padding |= {
            key: tf.zeros_like(value) for key, value in padding.items() if key.endswith("mask")
        }
        batch = {key: tf.concat([value, padding[key]], axis=0) for key, value in batch.items()}
    rows = max(rows, count)
    edges = [rows * i // count for i in range(count + 1)]
    return [{key: value[a:b] for key, value in batch.items()} for a, b in itertools.pairwise(edges)]
