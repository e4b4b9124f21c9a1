"""Replicas that share out the experts train as one device that has them all."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.execution.exchange import Exchange, whole
from t2t_mm.execution.replicas import Replicas
from t2t_mm.execution.strategies import mirrored_cpus
from t2t_mm.layers import kernels
from t2t_mm.layers.moe import MixtureOfExperts
from t2t_mm.layers.roles import is_expert
from t2t_mm.layers.shares import holders, shared_out
from t2t_mm.runs import weights
from t2t_mm.runs.names import named_variables
from t2t_mm.runs.paths import latest
from t2t_mm.training import expert_parallel
from t2t_mm.training.expert_parallel import exchange_for
from tests.execution.test_replicas import QUIET, steps, trainer
from tests.simplest import simplest, simplest_sparse

SPARSE = QUIET.replace(moe_experts=60, moe_k=4, moe_hidden=8, clip_norm=0.05, ema_decay=0.9)


def sparse(count, output, **options):
    options = {"expert_parallel": "on" if count > 1 else "off"} | options
    return trainer(count, SPARSE, output, model=simplest_sparse(), **options)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """(Trainer, results of eight steps, path of its checkpoint) on one device, and on four."""

    def run(count):
        output = tmp_path_factory.mktemp("run")
        one = sparse(count, output)
        return one, steps(one, 8), latest(output / "checkpoints")

    with kernels.static_shapes():  # one product of all experts, which takes less to trace
        return run(1), run(4)


def test_steps_with_experts_on_four_devices_are_those_on_one(both):
    (_, one, _), (_, four, _) = both
    for name in ("loss", "nats", "gradient_norm"):
        mine, theirs = ([float(result[name]) for result in results] for results in (four, one))
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, err_msg=name)
    for mine, theirs in zip(four, one, strict=True):
        for name, value in theirs["experts"]["decoder"].items():
            np.testing.assert_allclose(mine["experts"]["decoder"][name], value, atol=1e-4)


def test_each_of_four_devices_holds_a_quarter_of_experts_and_of_their_moments(both):
    (one, _, _), (four, _, _) = both

    def held(run):  # numbers that each device holds: of experts, of all else
        state, local = run.state, run.replicas.strategy.experimental_local_results
        variables = [*state.model.variables, *state.optimizer.variables]
        values = [v.value for v in variables] + list(state.average.averages.values())
        found = np.zeros((run.replicas.count, 2), int)
        for value in values:
            is_stack = value.shape.rank and value.shape[0] in (15, 60)
            for device, copy in enumerate(local(value)):
                assert copy.device.endswith(f"CPU:{device}")
                found[device, 0 if is_stack else 1] += copy.shape.num_elements()
        return found

    ((experts, others),) = held(one).tolist()
    assert held(four).tolist() == [[experts // 4, others]] * 4
    with pytest.raises(ValueError, match="Keras can't save or clone it whole"):
        four.model.get_config()
    stack = 16 * 8 + 8 + 8 * 16 + 16
    assert experts == 60 * stack * 4  # weights, their average, two moments
    assert four.model.parameter_counts() == one.model.parameter_counts()


def test_the_checkpoint_and_metrics_are_those_of_one_device(both):
    (one, _, ones), (four, _, fours) = both
    mine, theirs = weights.read(fours), weights.read(ones)
    assert mine.keys() == theirs.keys()
    for key, value in theirs.items():
        np.testing.assert_allclose(mine[key], value, rtol=1e-3, atol=1e-4, err_msg=str(key))
    with kernels.static_shapes():
        mine, theirs = (run.evaluate(max_batches=1)["toy_copy"] for run in (four, one))
    for name, value in theirs.items():  # of the averages
        np.testing.assert_allclose(mine[name], value, rtol=1e-4, err_msg=name)


def test_a_run_on_four_devices_goes_on_on_two(both):
    _, (four, _, path) = both
    two = sparse(2, four.output.path)
    two.resume()
    assert two.step == 8
    stored = weights.read(path)
    named = named_variables(two.model)
    assert holders(named["decoder/experts/w1"]) == 2
    for name, variable in named.items():
        np.testing.assert_array_equal(whole(variable), stored["model", name])
    for name, variable in two.state.average.averages.items():
        np.testing.assert_array_equal(whole(variable), stored["average", name])
    for index, variable in enumerate(two.state.optimizer.variables):
        np.testing.assert_array_equal(whole(variable), stored["optimizer", f"{index:05d}"])


@pytest.mark.parametrize(
    "hparams, options, told",
    [
        ({"optimizer": "adafactor"}, {}, "optimizer=adafactor looks at all experts at once"),
        ({}, {"decode_examples": 3}, "with --decode_examples each device decodes"),
    ],
)
def test_what_keeps_experts_together_is_told(hparams, options, told):
    replicas, hparams = Replicas(mirrored_cpus(2)), SPARSE.replace(**hparams)
    for wish in ("auto", "off"):
        assert exchange_for(RunConfig(expert_parallel=wish, **options), hparams, replicas) is None
    with pytest.raises(UserError, match=told):
        exchange_for(RunConfig(expert_parallel="on", **options), hparams, replicas)
    assert exchange_for(RunConfig(), SPARSE, replicas).count == 2


@pytest.mark.parametrize(
    "count, experts, told",
    [(1, 60, "there is one device only"), (2, 7, "7 experts don't divide over 2 replicas")],
)
def test_experts_that_do_not_divide_stay_together(count, experts, told):
    hparams, model = SPARSE.replace(moe_experts=experts), simplest_sparse()
    with pytest.raises(UserError, match=told):
        trainer(count, hparams, model=model, expert_parallel="on")
    together = trainer(count, hparams, model=model).model
    assert {holders(v) for v in together.variables} == {1}


@pytest.mark.parametrize("beyond, devices", [(0, 2), (1, 1)])
def test_where_nothing_is_asked_for_small_experts_stay_together(monkeypatch, beyond, devices):
    parameters = 60 * (16 * 8 + 8 + 8 * 16 + 16)
    monkeypatch.setattr(expert_parallel, "WORTH_IT", parameters + beyond)
    model = sparse(2, None, expert_parallel="auto").model
    assert {holders(v) for v in model.variables if is_expert(v)} == {devices}


def test_a_model_without_experts_shares_out_none():
    with pytest.raises(UserError, match="the model has no experts"):
        trainer(2, SPARSE, model=simplest(), expert_parallel="on")


def test_experts_that_are_shared_out_are_called_in_replicas_alone():
    replicas, x = Replicas(mirrored_cpus(2)), tf.ones((2, 3, 4))
    with replicas.scope(), shared_out(Exchange(2)):
        layer = MixtureOfExperts(4, 8, k=2)
        layer.build(x.shape)
        with pytest.raises(UserError, match="outside of them"):
            layer(x)
        with pytest.raises(UserError, match="called in a graph"):
            replicas.strategy.run(tf.function(layer, autograph=False), args=(x,))
    with pytest.raises(ValueError, match="none of which can decode alone"):
        layer.step(x[0])
