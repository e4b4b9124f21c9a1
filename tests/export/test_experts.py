"""An export without the experts that its problems never reach."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

import t2t_mm
from t2t_mm.errors import UserError
from t2t_mm.export import experts
from t2t_mm.export.experts import sum_of_loads, without_idle
from t2t_mm.layers.roles import tag


@pytest.fixture(scope="module")
def model(trained, trained_data):
    """In whose mixtures no position reaches some of the experts."""
    loaded = t2t_mm.load(trained)
    loaded.problems = {
        name: problem.located(trained_data) for name, problem in loaded.problems.items()
    }
    for part, idle in ((loaded.model.encoder, (1, 2)), (loaded.model.decoder, (2,))):
        gate = np.random.default_rng(1).normal(size=part.experts.experts.w_gate.shape) * 0.01
        # So that a column of one sign always loses.
        part.experts.norm.offset.assign(np.ones(gate.shape[0]))
        for expert in idle:
            gate[:, expert] = -1.0
        part.experts.experts.w_gate.assign(gate)
    return loaded


def test_what_is_never_reached_can_go(model):
    names = ["mini_ende"]
    loads = sum_of_loads(model.model, model.hparams, [model.problems[name] for name in names])
    assert (
        loads["decoder"][2] == 0
        and (loads["encoder"][[1, 2]] == 0).all()
        and (loads["encoder"] > 0).sum() == 2
    )
    before = model.predict("mini_ende", "I see two red rings.", longest=10)
    smaller, costs = without_idle(model, names)
    assert smaller.hparams.moe_experts == 3 and model.hparams.moe_experts == 4
    fewer, all_of_them = (each.model.parameter_counts()["experts"] for each in (smaller, model))
    assert fewer < 0.8 * all_of_them
    assert set(costs) == {(name, split) for name in names for split in ("validation", "test")}
    for name in names:
        first, second = costs[name, "validation"]
        assert second == pytest.approx(first, abs=1e-5)
    after = smaller.predict("mini_ende", "I see two red rings.", longest=10)
    assert after["outputs"] == before["outputs"] and after["score"] == pytest.approx(
        before["score"], abs=1e-4
    )


def test_a_share_lets_more_go_but_never_fewer_than_a_position_takes(model):
    smaller, _ = without_idle(model, ["mini_imagenet"], share=1.0)
    assert smaller.hparams.moe_experts == model.hparams.moe_k


def test_without_data_nothing_is_known(trained, trained_data, monkeypatch):
    loaded = t2t_mm.load(trained)
    problem = loaded.problems["mini_imagenet"] = loaded.problems["mini_imagenet"].located(
        trained_data
    )
    monkeypatch.setattr(problem, "splits", lambda: {"train": 60})
    with pytest.raises(UserError, match="mini_imagenet has no validation data"):
        without_idle(loaded, ["mini_imagenet"])


def test_a_mixture_that_no_problem_gets_to_has_no_loads(monkeypatch):
    problem = SimpleNamespace(name="a", splits=lambda: {"validation": 1})
    monkeypatch.setattr(experts, "batches", lambda *args, **kwargs: [{}])
    called = lambda batch, problem, training: {  # noqa: E731
        "experts": {"encoder": {"load": [1.0, 2.0]}, "decoder": {}}
    }
    assert list(experts.sum_of_loads(called, None, [problem])) == ["encoder"]


def test_a_weight_of_a_mixture_is_cut_along_its_experts():
    kept = np.array([0, 2])
    values = np.arange(6.0, dtype="float32").reshape(3, 2)
    stack = tag(keras.Variable(values), "vector", expert=True)  # [experts, channels]
    np.testing.assert_array_equal(experts._cut(stack, kept), values[kept])
    gate = tag(keras.Variable(values.T), "gate")  # [channels, experts]
    np.testing.assert_array_equal(experts._cut(gate, kept), values.T[:, kept])
    other = keras.Variable(values)
    np.testing.assert_array_equal(experts._cut(other, kept), values)
