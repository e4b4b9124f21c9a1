"""One of several replicas that aren't there: a step is traced as it would run in it, and what it
would send the others is counted."""

import collections
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from t2t_mm.execution.exchange import Exchange
from t2t_mm.execution.replicas import Replicas, split
from t2t_mm.planning.graph_cost import bytes_of


class Traffic:
    """What passes between replicas in a graph: tensors of the right shapes take the place of what
    the others would send.

    Args:
        count: number of replicas.

    Attributes:
        sent: {what: bytes that a replica sends}, as a ring of replicas passes things on: a sum of n
            bytes takes 2 n (count - 1) / count, to gather n bytes of each n (count - 1).
        copies: names of the operations that stand for a sum, which gives new memory.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.sent: collections.Counter[str] = collections.Counter()
        self.copies: set[str] = set()

    def summed(self, values: Sequence[Any], what: str) -> list[Any]:
        """In the place of sums over all replicas."""
        values = list(values)
        total = sum(map(bytes_of, values))
        self.sent[what] += 2 * total * (self.count - 1) // self.count
        made = tf.identity_n(values)
        self.copies.add(made[0].op.name)
        return made

    def gathered(self, values: Sequence[Any], what: str) -> list[Any]:
        """In the place of the values of all replicas, one behind the other."""
        self.sent[what] += sum(map(bytes_of, values)) * (self.count - 1)
        return [tf.concat([value] * self.count, 0) for value in values]


class PlannedReplicas(Replicas):
    """The first of so many replicas on one machine.

    Attributes:
        traffic: what it sends.
        gradients: the gradients that `run` has given, and those that were summed for them.
        operations: how many the graph had when `run` was done.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = self.local = count
        self.traffic, self.operations = Traffic(count), 0
        self.gradients: list[Any] = []
        self.local_gradients: list[Any] = []

    def run(self, function: Callable, batches: Sequence[dict]) -> Any:
        # the last part is as large as any
        result, gradients = function([split(batch, self.count)[-1] for batch in batches])
        self.gradients = tf.nest.flatten(gradients)
        self.operations = len(tf.compat.v1.get_default_graph().get_operations())
        return result, gradients

    def first(self, results: Any) -> Any:
        return results

    def sum(self, values: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        if self.count == 1:
            return list(values)
        self.local_gradients = list(values)  # those of the last sum
        return self.traffic.summed(values, "gradients")

    def exchange(self, least: int) -> Exchange:
        return PlannedExchange(self.traffic, least)


class PlannedExchange(Exchange):
    """Experts shared out over replicas that aren't there."""

    def __init__(self, traffic: Traffic, least: int) -> None:
        super().__init__(traffic.count, least)
        self.traffic = traffic

    def index(self) -> int:
        return 0

    def spread(self, variable: Any, value: Any) -> None:
        """Nothing: a plan has no values."""

    def meeting(self) -> Any:
        return self

    def all_gather(self, values: Any, axis: int) -> Any:
        """As that of a replica's context."""
        flat = self.traffic.gathered(tf.nest.flatten(values), "tokens")
        return tf.nest.pack_sequence_as(values, flat)

    def all_reduce(self, kind: str, values: Any) -> Any:
        """As that of a replica's context."""
        flat = self.traffic.summed(tf.nest.flatten(values), "tokens")
        return tf.nest.pack_sequence_as(values, flat)
