"""Teacher-forced metrics example by example."""

import numpy as np
import pytest

from t2t_mm.evaluation.by_example import ByExample, _summed
from t2t_mm.evaluation.evaluator import Evaluator
from t2t_mm.models.multimodel import MultiModel
from t2t_mm.studies.measuring import RESAMPLES, measure
from tests.toys import TINY, Toy, ToyClass

PROBLEMS = [Toy(), ToyClass("toy_class")]


@pytest.fixture(scope="module")
def model():
    return MultiModel(TINY, PROBLEMS)


@pytest.fixture(scope="module")
def evaluated(model):
    return Evaluator(model, PROBLEMS, TINY).run("validation")


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_rows_add_up_to_the_figures_of_an_evaluation(model, evaluated, problem):
    measured = ByExample(model, problem, TINY)
    rows, experts = measured.run("validation")
    for metric in measured.metrics:
        assert rows[metric.name].shape == (30, metric.width(problem.targets))
        assert metric.figure(rows[metric.name]) == pytest.approx(
            evaluated[problem.name][metric.name], rel=1e-5
        )
    assert set(experts) == {"encoder", "decoder"}
    for shares in experts.values():
        assert shares.shape == (4,) and shares.sum() == pytest.approx(1.0)


def test_the_order_of_examples_is_theirs_whatever_the_batches(model):
    first = ByExample(model, PROBLEMS[0], TINY).run("validation")[0]
    other = ByExample(model, PROBLEMS[0], TINY.replace(batch_size=16)).run("validation")[0]
    lengths = first["log_perplexity"][:, 1]
    assert len(set(lengths)) > 3 and lengths.tolist() == other["log_perplexity"][:, 1].tolist()
    np.testing.assert_allclose(first["log_perplexity"], other["log_perplexity"], rtol=1e-4)


def test_a_model_is_measured_with_resamples_of_the_examples(model, evaluated):
    found = measure(model, PROBLEMS, TINY, "validation", {})
    assert found["examples"] == {"toy_copy": 30, "toy_class": 30}
    for name, figures in found["figures"].items():
        for metric, figure in figures.items():
            assert figure["value"] == pytest.approx(evaluated[name][metric], rel=1e-5)
            assert len(figure["resamples"]) == RESAMPLES
        spread = np.std(figures["log_perplexity"]["resamples"])
        assert 0 < spread < 0.3 * figures["log_perplexity"]["value"]
    assert 0 < found["active_parameters"] < found["parameters"]
    assert found["experts"].keys() == {"encoder", "decoder"}
    assert {len(each) for of in found["experts"].values() for each in of.values()} == {4}


def test_an_example_of_several_targets_is_one_row():
    rows, places = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([1, 0, 1])
    assert _summed(rows, places).tolist() == [[3.0, 4.0], [6.0, 8.0]]
