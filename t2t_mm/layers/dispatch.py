"""Sparse dispatch: carries rows from token order into expert order and back."""

import dataclasses
from collections.abc import Callable
from typing import Any

from keras import ops

from t2t_mm.layers import kernels


@dataclasses.dataclass(frozen=True)
class Plan:
    """Where each of the T * k assignments of a token to an expert goes among S rows ordered by
    expert.

    slot: int32 [T, k], row of an assignment; -1: it has none (padding, or no room).
    token: int32 [S], token that a row holds.
    assignment: int32 [S], assignment (token * k + choice) that a row holds; -1: the row is empty.
    sizes: int32 [E], rows of each expert; None: every expert has the same.
    order: int32 [T * k], the assignments ordered by expert, then by token; padding comes last.
    first: int32 [E + 1], where the assignments of each expert begin in `order`.
    """

    slot: Any
    token: Any
    assignment: Any
    sizes: Any
    order: Any
    first: Any

    @property
    def kept(self) -> Any:
        """Bool [T, k]: whether an assignment has a row."""
        return self.slot >= 0


def plan(chosen: Any, valid: Any, experts: int, capacity: Any = None) -> Plan:
    """Lay out assignments by expert, in the order of tokens within each.

    Args:
        chosen: int32 [T, k], experts of each token.
        valid: bool [T], False at padding; or [T, k], False at assignments that others compute.
        experts: number of experts E.
        capacity: rows of each expert; the last assignments, those beyond it, have none (see
            `add_overflow`). None: each expert has as many rows as it needs, S depends on the data,
            and one more row at the end is empty.
    """
    k = chosen.shape[-1]
    valid = valid if len(valid.shape) == 2 else valid[:, None]
    expert = ops.reshape(ops.where(valid, chosen, experts), (-1,))  # [T * k]; padding comes last
    count = kernels.size(expert, 0)
    index = ops.arange(count, dtype="int32")
    key = ops.sort(expert * count + index)
    expert, order = key // count, key % count
    first = ops.cast(
        ops.searchsorted(expert, ops.arange(experts + 1, dtype="int32")), "int32"
    )  # [E + 1]
    rank = index - ops.take(first, expert, axis=0)
    sizes = None
    if capacity is None:
        load = first[1:] - first[:-1]
        granule = ops.where(
            load < 256, 4, 16
        )  # few distinct sizes: oneDNN makes and keeps a kernel for each
        sizes = (load + granule - 1) // granule * granule
        start = ops.cumsum(ops.concatenate([ops.zeros((1,), "int32"), sizes]))  # [E + 1]
        rows, kept = start[-1] + 1, expert < experts
        row = ops.take(start, expert, axis=0) + rank
    else:
        rows, kept = experts * capacity, (expert < experts) & (rank < capacity)
        row = expert * capacity + rank
    slot = ops.scatter(order[:, None], ops.where(kept, row, -1), (count,))
    # A dropped assignment adds 0 to some row; an empty row is left at 0.
    row = ops.where(kept, row, 0)
    assignment = ops.scatter(row[:, None], ops.where(kept, order + 1, 0), (rows,)) - 1
    token = ops.maximum(assignment, 0) // k
    return Plan(ops.reshape(slot, (-1, k)), token, assignment, sizes, order, first)


def dispatch(tokens: Any, plan: Plan) -> Any:
    """Rows [S, D] for the experts from tokens [T, D]; an empty row holds any token."""

    # Both ways are gathers: the gradient of a gather would be a scatter, which is slow.
    @ops.custom_gradient
    def run(tokens):
        def gradient(*args, upstream=None):
            d_rows = args[0] if upstream is None else upstream
            return weighted_sum(d_rows, plan, plan.kept)[0]

        return ops.take(tokens, plan.token, axis=0), gradient

    return run(tokens)


def combine(rows: Any, gates: Any, plan: Plan) -> Any:
    """Tokens [T, D] from rows [S, D]: sums weighted by gates [T, k], zeros where nothing was
    kept."""

    @ops.custom_gradient
    def run(rows, gates):
        tokens, gathered = weighted_sum(rows, plan, gates)

        def gradient(*args, upstream=None):
            d_tokens = args[0] if upstream is None else upstream
            weight = ops.take(
                ops.reshape(gates, (-1,)), ops.maximum(plan.assignment, 0), axis=0
            )  # [S]
            weight = ops.where(plan.assignment >= 0, weight, ops.zeros_like(weight))
            d_rows = ops.take(d_tokens, plan.token, axis=0) * weight[:, None]
            return d_rows, ops.sum(gathered * d_tokens[:, None], axis=-1)

        return tokens, gradient

    return run(rows, gates * ops.cast(plan.kept, gates.dtype))


def add_overflow(
    y: Any, tokens: Any, gates: Any, plan: Plan, capacity: Any, expert: Callable
) -> Any:
    """Adds what the buffers had no room for, so that nothing is dropped.

    What is left of an expert's load is computed in blocks of `capacity` rows, one after another. As
    blocks are as large as buffers, there are at most T * k / capacity of them however uneven the
    loads are, and none where the buffers were large enough. For inference: JAX has no gradient of
    such a loop.

    Args:
        y: [T, D], from `combine`.
        tokens: [T, D].
        gates: [T, k], zeros at padding.
        plan: made with this `capacity`.
        expert: (number of an expert, int32 scalar; rows [capacity, D]) -> [capacity, D].

    Returns:
        [T, D].
    """
    count, k = kernels.size(gates, 0), gates.shape[1]
    flat_gates = ops.reshape(ops.cast(gates, y.dtype), (-1,))  # [T * k]
    load = plan.first[1:] - plan.first[:-1]
    blocks = ops.maximum((load + capacity - 1) // capacity - 1, 0)  # [E], beyond the buffer
    ends = ops.cumsum(blocks)

    def add(block, y):
        index = ops.sum(ops.cast(ends <= block, "int32"))  # of the expert
        done = 1 + block - (ends[index] - blocks[index])  # buffers of it that were computed before
        place = plan.first[index] + done * capacity + ops.arange(capacity, dtype="int32")
        assignment = kernels.gather(plan.order, ops.minimum(place, count * k - 1))
        out = expert(index, kernels.gather(tokens, assignment // k))
        out = out * kernels.gather(flat_gates, assignment)[:, None]
        # A block has a token once at most; its empty rows go to the row behind the last token.
        token = ops.where(place < plan.first[index + 1], assignment // k, count)
        return block + 1, ops.scatter_update(y, token[:, None], kernels.gather(y, token) + out)

    y = ops.concatenate([y, ops.zeros_like(y[:1])])  # [T + 1, D]
    begin = ops.zeros((), "int32")
    return ops.while_loop(lambda block, y: block < ends[-1], add, (begin, y))[1][:-1]


def weighted_sum(rows: Any, plan: Plan, weights: Any) -> tuple:
    """Sum over each token's k rows: [T, D]; and those rows: [T, k, D]."""
    gathered = ops.take(rows, ops.maximum(plan.slot, 0), axis=0)
    return ops.sum(gathered * ops.cast(weights, rows.dtype)[..., None], axis=1), gathered
