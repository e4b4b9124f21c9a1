"""A plan has the parameters and bytes of a model and optimizer that are really made."""

import pytest
import tensorflow as tf

from t2t_mm.config.run import RunConfig
from t2t_mm.execution.replicas import Replicas
from t2t_mm.execution.strategies import mirrored_cpus
from t2t_mm.planning import plan
from t2t_mm.planning.graph_cost import bytes_of, float_operations, peak_bytes
from t2t_mm.planning.report import verdict
from t2t_mm.training.state import TrainState
from tests.simplest import simplest_sparse
from tests.toys import TINY, Toy, ToyClass

HPARAMS = TINY.replace(moe_experts=6, ema_decay=0.9)


def config(count):
    return RunConfig(model=simplest_sparse(), expert_parallel="on" if count > 1 else "off")


@pytest.fixture(scope="module", params=[1, 2], ids="{} replicas".format)
def both(request):
    """(A plan for so many replicas, a state that is really made for them, how many)."""
    problems, count = [Toy(), ToyClass("toy_class")], request.param
    replicas = Replicas(mirrored_cpus(count) if count > 1 else None)
    state = TrainState.create(problems, HPARAMS, config(count), replicas)
    return plan.make(problems, HPARAMS, config(count), count), state, count


def test_a_plan_holds_what_a_replica_really_holds(both):
    made, state, count = both

    def held(values):  # bytes on the first device
        local = state.model.distribute_strategy.experimental_local_results
        return sum(bytes_of(local(value)[0]) for value in values)

    assert made.held.weights == held(v.value for v in state.model.variables)
    assert made.held.moments == held(v.value for v in state.optimizer.variables)
    average = [*state.average.averages.values(), state.average.counts]
    assert made.held.average == held(average)
    assert made.held.experts + made.held.rest == sum(state.model.parameter_counts().values())
    assert made.held.experts == 6 * (2 * 16 * 16 + 2 * 16)


def test_gradients_are_those_of_the_path_and_the_peak_holds_all(both):
    made, state, count = both
    for step in made.steps:
        path = sum(bytes_of(v.value) for v in state.model.variables_of(step.problem))
        assert step.gradients == path
        assert step.peak > made.held.total + step.gradients
        assert step.activations > 0 and step.operations > 0


def test_experts_that_are_shared_out_send_no_gradients(both):
    made, _, count = both
    step = made.steps[0]
    if count == 1:
        assert step.sent == {}
        return
    shared = made.held.experts * 4 // count
    few = 4 * 64  # scalars, and the experts' report
    assert 0 <= step.sent["gradients"] - (step.gradients - shared) < few
    # tokens there and back, forward and backward: of 2 replicas each sends as many as it has
    assert step.sent["tokens"] > 0


def test_memory_is_live_until_its_last_reader():
    with tf.Graph().as_default() as graph:
        x = tf.random.uniform([256])  # 1 KiB, and what it is made of
        made = tf.concat([x, x], 0)  # 2 KiB
        kept = tf.reshape(made, [2, 256])  # the same
        last = tf.matmul(kept, kept, transpose_b=True)  # [2, 2]
    operations = graph.get_operations()
    few = 64  # bytes of constants
    assert 3072 <= peak_bytes(operations) < 3072 + few
    assert 3072 <= peak_bytes(operations, [x]) < 3072 + few
    assert 1024 <= peak_bytes(operations, uncounted=[made]) < 1024 + few
    assert float_operations(operations) == 2 * 2 * 2 * 256
    assert last.shape == [2, 2]


@pytest.mark.parametrize(
    "words, peak, activations",
    [("fits", 80, 2), ("does not fit", 80, 5), ("does not fit", 99, 0)],
)
def test_what_fits_has_room_for_more_activations_and_for_libraries(words, peak, activations):
    step = plan.StepCost("toy", {}, 0, activations * 2**30, peak * 2**30, {}, 0)
    told = verdict(plan.Plan(plan.Held(0, 0, 0, 0, 0), [step]), 100)
    assert told.startswith(f"{peak}.00 GiB, ") and told.endswith(f": {words} into 100 GiB")
