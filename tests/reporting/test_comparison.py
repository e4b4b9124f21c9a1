"""Runs side by side: what differs, what is best, and what can't be said."""

import json
import math
import shutil

import pytest

from t2t_mm.errors import UserError
from t2t_mm.reporting.comparison import Comparison, Value, higher_is_better, read, shown
from tests.evaluated import evaluated
from tests.toys import TINY


def compared(*folders, metrics=(), problems=()):
    runs = read([str(folder) for folder in folders], "validation")
    return Comparison(runs, "validation", metrics, problems)


@pytest.fixture
def pair(tmp_path):
    """Two runs that differ in their learning rate."""
    other = TINY.replace(learning_rate=0.5)
    return (
        evaluated(tmp_path / "a", {50: 2.0, 100: 1.0}, metrics={"accuracy": 25.0}),
        evaluated(tmp_path / "b", {50: 1.5, 100: 3.0}, hparams=other, metrics={"accuracy": 30.0}),
    )


def test_settings_that_differ_and_the_number_of_the_others(pair):
    differ, equal = compared(*pair).settings()
    assert differ == {"learning_rate": [TINY.learning_rate, 0.5]}
    assert equal == len(compared(*pair).runs[0].settings) - 1


def test_mixtures_of_one_meaning_are_equal(tmp_path):
    names = ("toy_copy", "toy_first")
    first = evaluated(tmp_path / "a", {}, names)
    second = evaluated(tmp_path / "b", {}, names, problems="toy_first+toy_copy")
    assert compared(first, second).settings()[0] == {}


def test_what_one_run_has_not_recorded_is_no_difference(pair):
    (pair[0] / "run.json").unlink()
    assert list(compared(*pair).settings()[0]) == ["learning_rate"]


def test_the_newest_value_and_the_best_with_its_step(pair):
    both = compared(*pair)
    assert both.value(both.runs[0], "toy_copy", "log_perplexity") == Value(1.0, 100, 1.0, 100)
    assert both.value(both.runs[1], "toy_copy", "log_perplexity") == Value(3.0, 100, 1.5, 50)
    assert both.value(both.runs[1], "toy_copy", "accuracy") == Value(30.0, 100, 30.0, 50)
    assert both.value(both.runs[1], "toy_other", "accuracy") is None
    assert both.units == {"accuracy": "%"}


def test_a_value_that_is_not_finite_is_never_the_best(tmp_path):
    one = compared(evaluated(tmp_path, {10: 2.0, 20: math.inf}))
    assert one.value(one.runs[0], "toy_copy", "log_perplexity") == Value(None, 20, 2.0, 10)


def test_what_is_no_metric_has_no_best(tmp_path):
    one = compared(evaluated(tmp_path, {10: 2.0}, metrics={"bracket_f1_invalid": 3}))
    assert one.value(one.runs[0], "toy_copy", "bracket_f1_invalid") == Value(3, 10)
    assert one.ahead("toy_copy", "bracket_f1_invalid") == ""
    assert higher_is_better("decoded_accuracy") and higher_is_better("wer") is False


def test_the_better_run_is_ahead(pair):
    both = compared(*pair)
    assert both.ahead("toy_copy", "log_perplexity") == "a"
    assert both.ahead("toy_copy", "accuracy") == "b"
    assert both.cautions() == []


def test_equal_values_leave_nobody_ahead(pair, tmp_path):
    third = evaluated(tmp_path / "c", {100: 1.0}, hparams=TINY.replace(dropout=0.5))
    assert compared(*pair, third).ahead("toy_copy", "log_perplexity") == ""


@pytest.mark.parametrize(
    "losses, options, caution",
    [
        ({50: 1.0}, {}, "newest evaluation at step 100 (a), 50 (c)"),
        ({100: 0.5}, {"data_dir": "elsewhere"}, "data_dir data (a), elsewhere (c)"),
        ({100: 0.5}, {"eval_steps": 2}, "eval_steps 0 (a), 2 (c)"),
    ],
)
def test_nobody_is_ahead_where_that_says_nothing(tmp_path, losses, options, caution):
    first = evaluated(tmp_path / "a", {50: 2.0, 100: 1.0})
    other = TINY.replace(learning_rate=0.5)
    both = compared(first, evaluated(tmp_path / "c", losses, hparams=other, **options))
    assert both.ahead("toy_copy", "log_perplexity") == ""
    assert both.cautions() == [caution]


def test_a_seed_alone_puts_nobody_ahead(tmp_path):
    first = evaluated(tmp_path / "a", {100: 1.0})
    both = compared(first, evaluated(tmp_path / "b", {100: 2.0}, seed=5))
    assert both.ahead("toy_copy", "log_perplexity") == ""
    assert both.cautions() == ["seed 0 (a), 5 (b)"]
    other = TINY.replace(learning_rate=0.5)
    both = compared(first, evaluated(tmp_path / "c", {100: 2.0}, hparams=other, seed=5))
    assert both.ahead("toy_copy", "log_perplexity") == "a"
    assert both.cautions() == ["seed 0 (a), 5 (c)"]


def test_runs_that_differ_in_their_seed_alone_are_repetitions(tmp_path):
    other = TINY.replace(learning_rate=0.5)
    folders = [
        evaluated(tmp_path / "a", {100: 1.0}),
        evaluated(tmp_path / "b", {100: 2.0}, hparams=other, seed=1),
        evaluated(tmp_path / "c", {100: 4.0}, seed=1),
        evaluated(tmp_path / "d", {50: 4.0}, seed=2),
    ]
    names = [[run.name for run in group] for group in compared(*folders).repeated()]
    assert names == [["a", "c"], ["b"], ["d"]]
    assert compared(*folders[:2]).repeated() == []


def test_other_problems_and_other_data_of_one_problem_are_pointed_out(tmp_path):
    first = evaluated(tmp_path / "a", {100: 1.0}, ("toy_copy", "toy_first"))
    second = evaluated(tmp_path / "b", {100: 2.0})
    assert compared(first, second).ahead("toy_copy", "log_perplexity") == "a"
    (caution,) = compared(first, second).cautions()
    assert caution == "problems toy_copy+toy_first (a), toy_copy (b)"
    record = json.loads((second / "problems.json").read_text())
    record["problems"]["toy_copy"]["inputs"]["fingerprint"] = "another"
    (second / "problems.json").write_text(json.dumps(record))
    both = compared(first, second)
    assert both.cautions()[1] == "other vocabularies, classes or data of toy_copy"
    assert both.ahead("toy_copy", "log_perplexity") == ""


def test_runs_are_called_by_the_end_of_their_paths_that_tells_them_apart(tmp_path):
    for name in ("x/a", "y/a", "y/b"):
        evaluated(tmp_path / name, {100: 1.0})
    assert [run.name for run in compared(tmp_path / "x/a", tmp_path / "y/b").runs] == ["a", "b"]
    names = [run.name for run in compared(tmp_path / "x/a", tmp_path / "y/a").runs]
    assert names == ["x/a", "y/a"]
    with pytest.raises(UserError, match="a is named twice"):
        compared(tmp_path / "x/a", tmp_path / "y/../x/a")


def test_metrics_and_problems_can_be_chosen(pair):
    some = compared(*pair, metrics=["accuracy"], problems=["toy_copy"])
    assert (some.metrics, some.problems) == (["accuracy"], ["toy_copy"])
    assert compared(*pair).metrics == ["log_perplexity", "accuracy"]
    with pytest.raises(UserError, match="metric 'acuracy': did you mean accuracy"):
        compared(*pair, metrics=["acuracy"])
    with pytest.raises(UserError, match="problem 'xyz': there are toy_copy"):
        compared(*pair, problems=["xyz"])


def test_a_run_of_an_older_version_has_a_newest_value_alone(pair):
    (pair[0] / "metrics.jsonl").unlink()
    both = compared(*pair)
    assert both.value(both.runs[0], "toy_copy", "log_perplexity") == Value(1.0, 100)
    assert both.ahead("toy_copy", "log_perplexity") == "a"


def test_settings_are_shown_as_they_are_given():
    assert [shown(value) for value in (True, 1000, 0.5, "", "a", None)] == [
        "true",
        "1000",
        "0.5",
        "''",
        "a",
        "",
    ]


def test_a_copy_of_a_run_differs_in_nothing(pair, tmp_path):
    shutil.copytree(pair[0], tmp_path / "copy")
    both = compared(pair[0], tmp_path / "copy")
    assert both.settings()[0] == {} and both.ahead("toy_copy", "accuracy") == ""
