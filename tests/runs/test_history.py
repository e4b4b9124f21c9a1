"""The evaluations of a run, over kills, resumed training and damage."""

import json
import math

import pytest

from t2t_mm.errors import UserError
from t2t_mm.runs import history
from t2t_mm.runs.directory import OutputDir


def write(folder, step, value, split="validation", problem="toy_a"):
    history.append(folder, split, step, {"accuracy": "%"}, {problem: {"accuracy": value}})


def curve(folder, split="validation", problem="toy_a"):
    """{step: accuracy}, in the order in which they are read."""
    return {
        each.step: each.problems[problem]["accuracy"]
        for each in history.read(folder)
        if each.split == split and problem in each.problems
    }


def test_what_metrics_json_says_of_an_evaluation_is_appended(tmp_path):
    output = OutputDir(tmp_path)
    for step in (20, 40):
        results = {"toy_a": {"examples": 3, "tokens": 7, "accuracy": 25.0, "log_perplexity": 1.0}}
        results["toy_a"]["log_perplexity"] = math.nan if step == 20 else 1.5
        output.write_metrics("test", step, results, {"accuracy": "%"})
    first, second = map(json.loads, (tmp_path / "metrics.jsonl").read_text().splitlines())
    assert first["problems"] == {"toy_a": {"accuracy": 25.0, "log_perplexity": None}}
    assert second.pop("split") == "test"
    assert second == json.loads((tmp_path / "metrics_test.json").read_text())
    assert [each.step for each in history.read(tmp_path)] == [20, 40]


def test_a_run_of_an_older_version_has_none(tmp_path):
    assert history.read(tmp_path) == []


def test_of_two_evaluations_of_one_step_the_last_counts(tmp_path):
    for step, value in ((100, 1.0), (200, 2.0), (200, 3.0), (100, 4.0)):
        write(tmp_path, step, value)
    write(tmp_path, 100, 5.0, split="test")
    assert list(curve(tmp_path).items()) == [(100, 4.0), (200, 3.0)]
    assert curve(tmp_path, split="test") == {100: 5.0}


def test_problems_that_were_evaluated_apart_stand_together(tmp_path):
    write(tmp_path, 100, 1.0)
    history.append(tmp_path, "validation", 100, {}, {"toy_b": {"rmse": 2.0}})
    (found,) = history.read(tmp_path)
    assert found.problems == {"toy_a": {"accuracy": 1.0}, "toy_b": {"rmse": 2.0}}
    assert found.units == {"accuracy": "%"}


def test_a_branch_that_was_given_up_is_left_out(tmp_path):
    for step in (100, 200, 300):
        write(tmp_path, step, 1.0)
        write(tmp_path, step, 1.0, split="test")
    history.resume(tmp_path, 150)
    assert curve(tmp_path) == curve(tmp_path, split="test") == {100: 1.0}
    write(tmp_path, 200, 2.0)
    assert curve(tmp_path) == {100: 1.0, 200: 2.0}


def test_evaluating_an_earlier_checkpoint_leaves_later_evaluations_alone(tmp_path):
    write(tmp_path, 200, 2.0)
    write(tmp_path, 100, 1.0)
    assert list(curve(tmp_path)) == [100, 200]


def test_nothing_is_noted_where_nothing_was_evaluated(tmp_path):
    history.resume(tmp_path, 0)
    assert list(tmp_path.iterdir()) == []


def test_a_torn_end_is_ignored_and_does_not_spoil_what_follows(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write(tmp_path, 100, 1.0)
    whole = path.read_bytes()
    for size in range(1, len(whole)):
        path.write_bytes(whole + whole[:size])
        assert curve(tmp_path) == {100: 1.0}
        write(tmp_path, 200, 2.0)
        assert curve(tmp_path) == {100: 1.0, 200: 2.0}
    path.write_bytes(whole[:-1])  # of a first line
    write(tmp_path, 200, 2.0)
    assert curve(tmp_path) == {200: 2.0}


@pytest.mark.parametrize(
    "damage, reason",
    [
        ("", "Expecting value"),
        ('{"step": 100, "split": ', "Expecting value"),
        ('{"step": 100, "split": "test"}', "'units' is missing"),
        ('{"step": "x", "split": "a", "units": {}, "problems": {}}', "'step' in it is \"x\""),
        ('{"step": 1, "split": "a", "units": {}, "problems": {"b": 3}}', "'b' in 'problems' in it"),
        ('{"resumed": null}', "'resumed' in it is null"),
        ("[1]", "an object is expected"),
        ("[" * 100_000, "nested too deep"),
        ("\xff", "utf-8|Expecting value"),
    ],
)
def test_a_damaged_line_is_named(tmp_path, damage, reason):
    write(tmp_path, 100, 1.0)
    with open(tmp_path / "metrics.jsonl", "a", encoding="latin-1") as file:
        file.write(f"{damage}\n")
    write(tmp_path, 200, 2.0)
    with pytest.raises(UserError, match=rf"metrics.jsonl, line 2, can't be read: .*({reason})"):
        history.read(tmp_path)


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "metrics.jsonl").mkdir()
    with pytest.raises(UserError, match="metrics.jsonl can't be read: not a regular file"):
        history.read(tmp_path)
    with pytest.raises(UserError, match="can't be written to"):
        OutputDir(tmp_path).write_metrics("test", 1, {}, {})
