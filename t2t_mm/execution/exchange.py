"""How replicas share out experts: what each sends the others, and variables of which each has a
part.

Such a variable is a mirrored one whose copies differ: that of replica r holds the rows r * n to
(r + 1) * n of the whole. All that reads or assigns it from outside goes through `whole` and
`assign`.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from t2t_mm.errors import UserError
from t2t_mm.layers.shares import holders


class Exchange:
    """Brings tokens to the replicas that hold their experts, and the results back: an exchange of
    layers.shares.

    All tokens go to all replicas, since experts are chosen k at a time, and most replicas would get
    most tokens; the results are summed. Its gradients go the opposite way: a weight's gradient is
    of the tokens of all replicas, and nothing is left to be summed.

    Args:
        count: number of replicas, of all workers.
        least: parameters that the experts of a layer have to have.
        over_workers: whether the replicas are those of several processes.
    """

    def __init__(self, count: int, least: int = 0, over_workers: bool = False) -> None:
        self.count, self.least, self.over_workers = count, least, over_workers

    def index(self) -> int:
        return self._context().replica_id_in_sync_group

    def spread(self, variable: Any, value: Any) -> None:
        assign_rows(variable, value)

    def through(
        self, work: Callable, tokens: tf.Tensor, gates: tf.Tensor, chosen: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        context, size = self.meeting(), tf.shape(tokens)[0]
        sizes = context.all_reduce("SUM", tf.one_hot(self.index(), self.count, size, 0))
        first = tf.reduce_sum(sizes[: self.index()])
        places = [[first, tf.reduce_sum(sizes) - first - size], [0, 0]]  # before, and behind

        def of_all(*rows):
            if self.over_workers:  # for a gather TensorFlow would trace a function, at each call
                return context.all_reduce("SUM", [tf.pad(each, places) for each in rows])
            return context.all_gather(list(rows), 0)

        def own(rows):  # of all tokens, those of this replica
            return tf.slice(rows, [first, 0], [size, tf.shape(rows)[1]])

        @tf.custom_gradient
        def bring(*rows):
            def gradient(*d_rows):
                return [own(d) for d in context.all_reduce("SUM", list(d_rows))]

            return of_all(*rows), gradient

        @tf.custom_gradient
        def bring_back(y):
            return own(context.all_reduce("SUM", y)), lambda d_y: of_all(d_y)[0]

        (chosen,) = of_all(chosen)
        y, count = work(*bring(tokens, gates), chosen)
        return bring_back(y), context.all_reduce("SUM", tf.stop_gradient(count))

    def meeting(self) -> Any:
        """The context of this replica, where replicas can wait for each other."""
        context = self._context()
        if not tf.executing_eagerly():
            raise UserError(
                "Experts that are shared out over replicas were called in a graph, in which "
                "replicas can't wait for each other: call them in a part of the model that "
                "`run_body` runs, or train with --expert_parallel=off."
            )
        return context

    def _context(self) -> Any:
        context = tf.distribute.get_replica_context()
        if context is None or context.num_replicas_in_sync != self.count:
            raise UserError(
                f"Experts that are shared out over {self.count} replicas were called outside of "
                "them: call the model in `Replicas.run`, load a checkpoint, or train with "
                "--expert_parallel=off."
            )
        return context


def whole(variable: Any) -> Any:
    """The value of a variable with the rows that all replicas hold, in the memory of the host where
    these are shared out; where several workers hold it, all must call this.

    Args:
        variable: of Keras or TensorFlow.
    """
    value = of_tensorflow(variable)
    if holders(variable) == 1:
        return value
    strategy = value.distribute_strategy  # in no scope, too
    if len(strategy.experimental_local_results(value)) == holders(variable):
        return rows_here(variable)
    with tf.device("CPU:0"):
        return strategy.gather(strategy.run(lambda: tf.identity(value)), 0)


def rows_here(variable: Any) -> Any:
    """Of a variable that is shared out the rows that this worker's replicas hold, one after
    another, in the memory of the host."""
    value = of_tensorflow(variable)
    parts = value.distribute_strategy.experimental_local_results(value)
    with tf.device("CPU:0"):
        return tf.concat([tf.identity(part) for part in parts], 0)


def assign(variable: Any, value: Any) -> None:
    """Gives a variable a whole value, each replica its rows; in the scope of the strategy."""
    if holders(variable) == 1:
        variable.assign(value)
    else:
        assign_rows(variable, value)


def assign_rows(variable: Any, value: Any) -> None:
    """As `assign`, of a variable that is shared out."""
    strategy = tf.distribute.get_strategy()
    rows = value.shape[0] // strategy.num_replicas_in_sync

    def part(context):
        first = context.replica_id_in_sync_group * rows
        return tf.convert_to_tensor(value[first : first + rows])

    parts = strategy.experimental_distribute_values_from_function(part)
    in_each_replica(variable, lambda v, rows: v.assign(rows), parts)


def in_each_replica(variable: Any, change: Callable, *args: Any) -> None:
    """Calls `change(copy, *args)` for the copy of a variable in each replica, on its device; of
    arguments that differ by replica, or are variables, with that of the replica."""
    extended = tf.distribute.get_strategy().extended
    extended.update(of_tensorflow(variable), change, args=args, group=False)


def of_tensorflow(variable: Any) -> Any:
    """The variable of TensorFlow that one of Keras holds."""
    return variable if isinstance(variable, tf.Variable) else variable.value
