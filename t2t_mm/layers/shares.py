"""Experts that the replicas of a model share out: each holds some, and is sent the tokens for them.

Expert parallelism, as in GShard (arXiv 2006.16668, section 3.2) and DeepSpeed-MoE (arXiv
2201.05596, section 4): the weights stay where they are, and the tokens travel.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol


class Exchange(Protocol):
    """What the replicas send each other (execution.exchange).

    Attributes:
        count: number of replicas R.
        least: how many parameters the experts of a layer have to have, to be worth sharing out.
    """

    count: int
    least: int

    def index(self) -> Any:
        """In a replica: its number."""

    def spread(self, variable: Any, value: Any) -> None:
        """Gives each replica its rows of `value` [R * n, ...]; the variable is [n, ...]."""

    def through(self, work: Callable, tokens: Any, gates: Any, chosen: Any) -> tuple[Any, Any]:
        """In a replica: what the experts of all replicas make of its tokens, with gradients.

        Args:
            work: (tokens, gates, chosen) of all replicas, one after another -> ([all T, D], scalar)
                of the experts of this replica.
            tokens, gates, chosen: float [T, D], float [T, k] and int32 [T, k] of this replica,
                which may have more than others.

        Returns:
            ([T, D], scalar), summed over the replicas that worked on it.
        """


_current: Exchange | None = None


@contextlib.contextmanager
def shared_out(exchange: Exchange | None) -> Iterator[None]:
    """Mixtures of experts that are built within are shared out, where R divides their number and
    they are worth it."""
    global _current
    before, _current = _current, exchange
    try:
        yield
    finally:
        _current = before


def exchange_of(experts: int, parameters: int) -> Exchange | None:
    """What shares out so many experts of a layer, which have so many parameters together; None:
    every replica holds them all."""
    if _current is None or experts % _current.count or parameters < _current.least:
        return None
    return _current


def hold(variable: Any, replicas: int) -> Any:
    """Notes over how many replicas the rows of a variable are shared out; gives the variable."""
    variable._holders = replicas
    return variable


def holders(variable: Any) -> int:
    """Over how many replicas the rows of a variable are shared out; 1: each holds all of it."""
    return getattr(variable, "_holders", 1)


def whole_shape(variable: Any) -> tuple[int, ...]:
    """The shape of a variable with the rows that all replicas hold."""
    shape, replicas = tuple(variable.shape), holders(variable)
    return shape if replicas == 1 else (replicas * shape[0], *shape[1:])


def is_shared_out(layer: Any) -> bool:
    """Whether a layer has experts that are shared out: then no graph can hold its call, in which
    replicas wait for each other."""
    return any(holders(variable) > 1 for variable in layer.variables)


def check_whole(model: Any) -> None:
    """Raises a ValueError if a model has experts that are shared out: what Keras would save of it,
    or clone, are those of one replica."""
    if is_shared_out(model):
        raise ValueError(
            "the experts of this model are shared out over replicas, so that Keras can't save or "
            "clone it whole; load a checkpoint of its run with t2t_mm.load"
        )
