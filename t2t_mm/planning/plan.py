"""The plan of a run: a training step is traced, by the code that trains, with variables that have
shapes and no memory, and its graph is gone through."""

import contextlib
import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.layers import kernels
from t2t_mm.layers.roles import is_expert
from t2t_mm.layers.shares import whole_shape
from t2t_mm.planning.batch import largest_batch
from t2t_mm.planning.graph_cost import bytes_of, float_operations, peak_bytes
from t2t_mm.planning.replica import PlannedReplicas
from t2t_mm.problem.base import Problem
from t2t_mm.training.state import TrainState
from t2t_mm.training.step import TrainStep


@dataclasses.dataclass(frozen=True)
class Held:
    """What a replica holds between steps.

    Attributes:
        experts, rest: parameters of the model, those that all replicas hold together.
        weights, moments, average: bytes in one replica, of the model, the optimizer's state and the
            moving average of the weights.
    """

    experts: int
    rest: int
    weights: int
    moments: int
    average: int

    @property
    def total(self) -> int:
        """Bytes of all together."""
        return self.weights + self.moments + self.average


@dataclasses.dataclass(frozen=True)
class StepCost:
    """What a step on the largest batch of a problem takes in one replica.

    Attributes:
        problem: its name.
        batch: {name: shape} of the whole batch, that of all replicas.
        gradients: bytes of the gradients of the problem's path.
        activations: the most bytes that forward and backward pass hold besides.
        peak: the most bytes at a time, what is held between steps included. At another time than
            activations are the most, gradients may be there twice: summed, or scaled.
        sent: {"gradients" or "tokens": bytes that a replica sends}.
        operations: floating-point operations of products and convolutions.
    """

    problem: str
    batch: dict[str, list[int]]
    gradients: int
    activations: int
    peak: int
    sent: dict[str, int]
    operations: int


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a run takes in each replica.

    Attributes:
        held: between steps.
        steps: the step of each problem.
    """

    held: Held
    steps: list[StepCost]

    @property
    def peak(self) -> int:
        """The most bytes at a time."""
        return max(step.peak for step in self.steps)


def make(
    problems: Sequence[Problem],
    hparams: HParams,
    config: RunConfig,
    replicas: int = 1,
    only: str = "",
) -> Plan:
    """The plan of a run on so many devices of one machine.

    Args:
        problems: resolved, or as planning.batch.expected gives them.
        hparams: of the run.
        config: of the run: reads `model`, `precision` and `expert_parallel`.
        replicas: how many devices.
        only: name of a problem whose step alone is planned; of all, if not given.

    Raises:
        UserError: the run could not be made like that.
    """
    with tf.Graph().as_default(), _written_out(), kernels.static_shapes():
        made = PlannedReplicas(replicas)
        state = TrainState.create(problems, hparams, config, made)
        steps = [
            _step(problem, state, hparams, made)
            for problem in problems
            if only in ("", problem.name)
        ]
    return Plan(_held(state), steps)


@contextlib.contextmanager
def _written_out() -> Iterator[None]:
    """In it functions are part of the graph that calls them."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _held(state: TrainState) -> Held:
    trainable = state.model.trainable_variables
    experts = _parameters(v for v in trainable if is_expert(v))
    average = [*state.average.averages.values(), state.average.counts] if state.average else []
    return Held(
        experts=experts,
        rest=_parameters(trainable) - experts,
        weights=sum(map(bytes_of, state.model.variables)),
        moments=sum(map(bytes_of, state.optimizer.variables)),
        average=sum(map(bytes_of, average)),
    )


def _parameters(variables: Iterable[Any]) -> int:
    return sum(math.prod(whole_shape(v)) for v in variables)


def _step(
    problem: Problem, state: TrainState, hparams: HParams, replicas: PlannedReplicas
) -> StepCost:
    batch = largest_batch(problem, hparams)
    replicas.traffic.sent.clear()  # of the problem before
    step = TrainStep(state.model, state.optimizer, hparams, state.average, replicas, waits=False)
    traced = tf.function(
        lambda batch, rate: step(problem.name, batch, rate)["gradient_norm"], autograph=False
    )
    graph = traced.get_concrete_function(batch, tf.TensorSpec([], tf.float32)).graph
    operations, copies = graph.get_operations(), replicas.traffic.copies
    passes = operations[: replicas.operations]
    gradients = replicas.gradients
    return StepCost(
        problem=problem.name,
        batch={name: spec.shape.as_list() for name, spec in batch.items()},
        gradients=sum(map(bytes_of, gradients)),
        activations=peak_bytes(
            passes, uncounted=[*gradients, *replicas.local_gradients], copies=copies
        ),
        peak=_held(state).total + peak_bytes(operations, gradients, copies=copies),
        sent=dict(replicas.traffic.sent),
        operations=float_operations(operations),
    )
