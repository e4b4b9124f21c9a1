"""Evaluation without a trainer, and what becomes of its results."""

import numpy as np

from t2t_mm import registry
from t2t_mm.evaluation.evaluation import merged, table
from t2t_mm.evaluation.evaluator import Evaluator, Stopped
from tests.toys import TINY, Toy, ToyClass


def test_scores_of_decoded_text_never_take_the_place_of_teacher_forced_ones():
    results = {"a": {"examples": 3, "accuracy": 0.25}, "b": {"accuracy": 0.5}}
    together = merged(results, {"a": {"accuracy": 100.0, "bleu": 7.0}})
    assert together == {
        "a": {"examples": 3, "accuracy": 0.25, "decoded_accuracy": 100.0, "bleu": 7.0},
        "b": {"accuracy": 0.5},
    }
    assert results["a"] == {"examples": 3, "accuracy": 0.25}
    columns, rows = table(together)
    assert columns == ["problem", "examples", "tokens", "accuracy", "decoded_accuracy", "bleu"]
    assert rows == [["a", 3, None, 0.25, 100.0, 7.0], ["b", None, None, 0.5, None, None]]


def test_an_evaluator_needs_a_model_alone():
    problems = [Toy(), ToyClass("toy_first")]
    model = registry.model("multimodel")(TINY, problems)
    evaluator = Evaluator(model, problems, TINY)
    results = evaluator.run("validation")
    assert list(results) == ["toy_copy", "toy_first"]
    assert results["toy_copy"]["examples"] == 30 and results["toy_first"]["tokens"] == 30
    assert np.isfinite(results["toy_copy"]["log_perplexity"])
    asked = iter([False, True])
    try:
        evaluator.run("validation", stop=lambda: next(asked))
    except Stopped:
        assert next(asked, None) is None
    else:
        raise AssertionError("it went on")
