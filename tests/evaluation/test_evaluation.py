"""Evaluation without a trainer, and what becomes of its results."""

import json

import numpy as np
import pytest

from t2t_mm import registry
from t2t_mm.evaluation.evaluation import Evaluation, merged, table, units
from t2t_mm.evaluation.evaluator import Evaluator, Stopped
from t2t_mm.reporting.console import Console, JsonConsole
from tests.toys import TINY, Toy, ToyClass, ToyMean, ToySet


def test_scores_of_decoded_text_never_take_the_place_of_teacher_forced_ones():
    results = {"a": {"examples": 3, "accuracy": 25.0}, "b": {"accuracy": 50.0}}
    together = merged(results, {"a": {"accuracy": 100.0, "bleu": 7.0}})
    assert together == {
        "a": {"examples": 3, "accuracy": 25.0, "decoded_accuracy": 100.0, "bleu": 7.0},
        "b": {"accuracy": 50.0},
    }
    assert results["a"] == {"examples": 3, "accuracy": 25.0}
    columns, rows = table(together)
    assert columns == ["problem", "examples", "tokens", "accuracy", "decoded_accuracy", "bleu"]
    assert rows == [["a", 3, None, 25.0, 100.0, 7.0], ["b", None, None, 50.0, None, None]]
    assert units(together) == {"accuracy": "%", "decoded_accuracy": "%", "bleu": "%"}


def test_shares_are_percentages_whoever_measured_them(capsys):
    right = np.array([1.0, 2.0])  # sum, count
    for name in ("accuracy", "accuracy_top5", "accuracy_per_sequence"):
        assert registry.metric(name).value(right) == 50.0 and registry.metric(name).unit == "%"
    assert registry.metric("log_perplexity").value(right) == 0.5
    results = {"a": {"examples": 2, "tokens": 2, "log_perplexity": 0.5, "accuracy": 50.0}}
    Evaluation(7, "validation", 0, results, {}, {}).publish(Console())
    head, row = (line.split("  ") for line in capsys.readouterr().out.splitlines()[1::2])
    assert [cell.strip() for cell in head if cell][-2:] == ["log_perplexity", "accuracy %"]
    assert [cell.strip() for cell in row if cell][-2:] == ["0.5000", "50.00"]
    Evaluation(7, "validation", 0, results, {}, {}).publish(JsonConsole())
    table = json.loads(capsys.readouterr().out)
    assert table["units"] == {"accuracy": "%"} and table["rows"][0]["accuracy"] == 50.0


def test_an_evaluator_needs_a_model_alone():
    problems = [Toy(), ToyClass("toy_first"), ToySet("toy_set"), ToyMean("toy_mean")]
    model = registry.model("multimodel")(TINY, problems)
    evaluator = Evaluator(model, problems, TINY)
    results = evaluator.run("validation")
    assert list(results) == ["toy_copy", "toy_first", "toy_set", "toy_mean"]
    assert results["toy_copy"]["examples"] == 30 and results["toy_first"]["tokens"] == 30
    assert np.isfinite(results["toy_copy"]["log_perplexity"])
    # Of classes every example is one: a percentage is a whole number of thirtieths.
    share = results["toy_first"]["accuracy"] * 30 / 100
    assert share == pytest.approx(round(share)) and 0 < results["toy_first"]["accuracy_top5"] <= 100
    assert {"log_loss", "micro_f1", "macro_f1"} < set(results["toy_set"])
    assert results["toy_set"]["tokens"] == results["toy_mean"]["tokens"] == 30
    assert 0 < results["toy_mean"]["mae"] <= results["toy_mean"]["rmse"] < 30
    assert -1 <= results["toy_mean"]["pearson"] <= 1
    asked = iter([False, True])
    try:
        evaluator.run("validation", stop=lambda: next(asked))
    except Stopped:
        assert next(asked, None) is None
    else:
        raise AssertionError("it went on")
