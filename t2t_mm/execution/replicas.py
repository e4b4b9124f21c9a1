"""Distribution over devices and machines: the strategy of a run, who gets which examples, what all
agree on."""

import contextlib
import itertools
import json
import os
import re

import numpy as np
import tensorflow as tf

from t2t_mm.errors import UserError


def make_strategy(name="auto"):
    """The distribution strategy of that name; "auto" takes the first of them that the machine is
    made for.

    To be called before anything is computed: workers find each other only at the start.

    - multi_worker: the machines that TF_CONFIG lists, each with all its GPUs, or its CPU.
    - tpu: the TPU of this machine, or the one that TPU_NAME names.
    - mirrored: all GPUs of this machine; without any, its logical CPUs.
    - one_device: the first GPU, or the CPU.

    Raises:
        UserError: if the machine is not made for it.
    """
    one = tf.distribute.get_strategy
    makers = {"one_device": one, "mirrored": _mirrored, "multi_worker": _multi_worker, "tpu": _tpu}
    name = _fitting() if name == "auto" else name
    if name not in makers:
        raise UserError(f"A strategy is auto, {', '.join(makers)}; not {name!r}.")
    made = makers[name]()
    return (
        one() if made.num_replicas_in_sync == 1 and name != "tpu" else made
    )  # alone, it has nothing to mirror


def _fitting():
    if len(_cluster().get("worker", ())) + len(_cluster().get("chief", ())) > 1:
        return "multi_worker"
    if os.environ.get("TPU_NAME") or tf.config.list_physical_devices("TPU"):
        return "tpu"
    return "mirrored" if len(tf.config.list_physical_devices("GPU")) > 1 else "one_device"


def _mirrored():
    gpus = tf.config.list_logical_devices("GPU")
    if gpus:
        return tf.distribute.MirroredStrategy([device.name for device in gpus])
    return mirrored_cpus(len(tf.config.list_logical_devices("CPU")))


def mirrored_cpus(count):
    """The strategy over so many logical CPUs, for trying things out."""
    # Collectives would take all strategies of a process for one, of the size of the first.
    return tf.distribute.MirroredStrategy(
        [f"CPU:{i}" for i in range(count)], tf.distribute.ReductionToOneDevice()
    )


def _cluster():
    """{kind of task: its addresses}, as TF_CONFIG says."""
    try:
        return json.loads(os.environ.get("TF_CONFIG") or "{}").get("cluster", {})
    except (ValueError, AttributeError) as error:
        raise UserError(
            f"The environment variable TF_CONFIG is no JSON object ({error}). {_EXAMPLE}"
        ) from error


_EXAMPLE = (
    "Each worker is given all addresses and its own place among them: "
    """TF_CONFIG='{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker",
    "index": 0}}'."""
)


def _multi_worker():
    workers = _cluster().get("worker", ())
    task = json.loads(os.environ.get("TF_CONFIG") or "{}").get("task", {})
    is_chief = task.get("type") == "chief" and _cluster().get("chief")
    if not workers or not (is_chief or task.get("index", -1) in range(len(workers))):
        raise UserError(
            "--strategy=multi_worker needs the environment variable TF_CONFIG with a cluster of "
            "workers "
            f"and this one's task. {_EXAMPLE}"
        )
    return tf.distribute.MultiWorkerMirroredStrategy()


def _tpu():
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(
            os.environ.get("TPU_NAME", "local")
        )
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        raise UserError(f"--strategy=tpu finds no TPU: {error}") from error


class Replicas:
    """The replicas of a model that a strategy keeps equal.

    Each reads a part of every batch, and all make the same update with the sum of their gradients.
    With several workers, each reads its own share of the data, and the chief alone writes.

    Args:
        strategy: tf.distribute.Strategy; None for one device.

    Attributes:
        count: replicas, those of all workers.
        worker, workers: number of this worker, and how many there are.
        is_chief: whether this worker writes.
    """

    def __init__(self, strategy=None):
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

    def scope(self):
        """The context in which variables are made, and in which all below is called."""
        return self.strategy.scope()

    def run(self, function, batches):
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
        first, spread = (
            self.worker * self.local,
            self.strategy.experimental_distribute_values_from_function,
        )
        return {
            key: spread(
                lambda context, key=key: parts[context.replica_id_in_sync_group - first][key]
            )
            for key in parts[0]
        }

    def first(self, results):
        """Of results that are equal in all replicas, those of the first."""
        if self.count == 1:
            return results
        return tf.nest.map_structure(
            lambda value: self.strategy.experimental_local_results(value)[0], results
        )

    def local_sum(self, results):
        """The sum over the replicas of this worker."""
        return tf.nest.map_structure(
            lambda value: sum(self.strategy.experimental_local_results(value)), results
        )

    def sum(self, values):
        """In a replica: the sums of tensors over all replicas, a list; with a gradient."""
        if self.count == 1:
            return list(values)
        return tf.distribute.get_replica_context().all_reduce(
            tf.distribute.ReduceOp.SUM, list(values)
        )

    def sum_over_workers(self, values):
        """A float64 array, summed over the workers, all of which must call this."""
        if self.workers == 1:
            return values
        share = tf.constant(values, tf.float64) / self.local  # every replica brings it
        total = self.strategy.run(
            lambda: tf.distribute.get_replica_context().all_reduce("SUM", share)
        )
        return self.first(total).numpy()

    def any(self, told: bool) -> bool:
        """Whether any worker says so; all must ask."""
        return told if self.workers == 1 else bool(self.sum_over_workers([float(told)])[0])

    def from_chief(self, values):
        """A JSON-able value of the chief, in all workers."""
        if self.workers == 1:
            return values
        told = (
            np.frombuffer(json.dumps(values).encode(), np.uint8) if self.is_chief else np.zeros(0)
        )
        length = int(self.sum_over_workers([float(len(told))])[0])
        told = self.sum_over_workers(np.pad(told, (0, length - len(told))).astype(np.float64))
        return json.loads(bytes(told.round().astype(np.uint8)))

    @contextlib.contextmanager
    def watching(self):
        """Says so where another worker is lost in the meantime."""
        try:
            yield
        except tf.errors.OpError as error:
            if self.workers == 1:
                raise
            reason = re.sub(r"{{.*?}} ?", "", str(error).splitlines()[0])[:200]
            raise UserError(
                f"Worker {self.worker} lost another worker, or the way to it ({reason}). Start the "
                "same command on all of them again: they go on from the last checkpoint."
            ) from error

    def __str__(self):
        if self.count == 1:
            return "one device"
        workers = (
            f" of {self.workers} workers, this is worker {self.worker}" if self.workers > 1 else ""
        )
        return f"{self.count} replicas{workers} ({type(self.strategy).__name__})"


def split(batch, count):
    """The batch, a dict of tensors, in `count` parts along its first axis.

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
