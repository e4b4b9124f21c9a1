"""The best evaluation of a run."""

import json
import math

import pytest

from t2t_mm.errors import UserError
from t2t_mm.runs.best import Best

LOSS, ACCURACY = "toy/log_perplexity", "toy/accuracy"


def follow(best, values):
    """The steps at which one evaluation after the other was the best."""
    name = best.metric.partition("/")[2]
    return [step for step, value in values.items() if best.update(step, {"toy": {name: value}})]


@pytest.mark.parametrize("metric, steps", [(LOSS, [1, 3]), (ACCURACY, [1, 2])])
def test_the_best_is_the_lowest_loss_or_the_highest_accuracy(metric, steps):
    best = Best(metric)
    assert follow(best, {1: 0.5, 2: 0.7, 3: 0.3, 4: 0.3}) == steps
    assert best.step == steps[-1]


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("metric", [LOSS, ACCURACY])
def test_a_value_that_is_not_finite_is_never_the_best(metric, odd):
    best = Best(metric, patience=2)
    assert follow(best, {1: odd}) == [] and best.step is None and best.value is None
    assert best.since == 1 and not best.is_over
    assert follow(best, {2: 0.5, 3: odd}) == [2] and best.value == 0.5
    assert best.since == 1 and not best.is_over
    assert follow(best, {4: odd}) == [] and best.is_over
    shown = "0.5000" if metric == LOSS else "0.50%"
    assert best.verdict() == f"No {metric} better than {shown} of step 2 in 2 evaluations"


def test_patience_ends_where_no_value_is_finite():
    best = Best(LOSS, patience=2)
    follow(best, {1: math.nan, 2: math.nan})
    assert best.is_over and best.verdict() == f"No finite {LOSS} in 2 evaluations"


def test_evaluations_are_remembered_also_those_that_are_not_finite(tmp_path):
    path = tmp_path / "best.json"
    best = Best(LOSS, path)
    follow(best, {1: math.nan, 2: 0.5, 3: math.inf})
    best.write()
    assert "NaN" not in path.read_text() and json.loads(path.read_text())["step"] == 2
    again = Best(LOSS, path)
    assert again.step == 2 and again.since == 1 and list(again.values) == [1, 2, 3]
    assert Best(ACCURACY, path).values == {}
    again.resume(1)
    assert again.step is None and again.since == 1


def test_accuracies_that_0_1_0_recorded_were_shares(tmp_path):
    path = tmp_path / "best.json"
    path.write_text(json.dumps({"metric": ACCURACY, "step": 3, "values": {"3": 0.5, "4": 0.25}}))
    best = Best(ACCURACY, path)
    assert best.values == {3: 50.0, 4: 25.0} and not best.update(5, {"toy": {"accuracy": 49.0}})
    best.write()
    assert Best(ACCURACY, path).values == {3: 50.0, 4: 25.0, 5: 49.0}
    path.write_text(json.dumps({"metric": "toy/bleu", "step": 3, "values": {"3": 0.5}}))
    assert Best("toy/bleu", path).values == {3: 0.5}  # decoded text was in percent already


def test_without_a_path_nothing_is_remembered_or_kept(tmp_path):
    best = Best(LOSS)
    follow(best, {1: 0.5})
    best.write()
    best.keep(tmp_path / "ckpt-1")
    assert list(tmp_path.iterdir()) == []


def test_the_checkpoint_of_the_best_takes_the_place_of_the_one_before(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    best = Best(LOSS, tmp_path / "best.json")
    for step in (1, 10):
        for ending in ("index", "data-00000-of-00001"):
            (tmp_path / "checkpoints" / f"ckpt-{step}.{ending}").write_text(f"{step}")
        best.keep(tmp_path / "checkpoints" / f"ckpt-{step}")
        assert sorted(path.name for path in (tmp_path / "best").iterdir()) == [
            f"ckpt-{step}.data-00000-of-00001",
            f"ckpt-{step}.index",
        ]


def test_a_metric_that_was_not_evaluated_is_an_error_that_names_those_that_were():
    with pytest.raises(UserError, match="no metric toy/bleu; evaluated are toy/log_perplexity"):
        Best("toy/bleu").update(1, {"toy": {"log_perplexity": 1.0, "tokens": 3}})
    with pytest.raises(UserError, match="named problem/metric"):
        Best("bleu")
