"""What a run's directory says of it to those who compare runs."""

import json

import pytest

from t2t_mm.errors import UserError
from t2t_mm.runs import recorded
from tests.evaluated import evaluated
from tests.toys import TINY


def test_settings_problems_and_evaluations(tmp_path):
    run = recorded.read(evaluated(tmp_path, {50: 2.0, 100: 1.0}, seed=3), "a", "validation")
    assert (run.name, run.state, run.step, run.has_history) == ("a", "ended", 100, True)
    assert [each.step for each in run.evaluated] == [50, 100]
    assert run.settings["seed"] == 3 and run.settings["hidden_size"] == TINY.hidden_size
    assert run.settings["model"] == "multimodel" and "hparams_set" not in run.settings
    assert list(run.problems) == ["toy_copy"]


def test_a_run_that_has_just_begun_has_no_evaluations(tmp_path):
    run = recorded.read(evaluated(tmp_path, {}), "a", "validation")
    assert run.evaluated == [] and run.step is None


def test_another_split_has_evaluations_of_its_own(tmp_path):
    assert recorded.read(evaluated(tmp_path, {50: 2.0}), "a", "test").evaluated == []


def test_of_an_older_version_the_newest_evaluation_alone_is_known(tmp_path):
    evaluated(tmp_path, {50: 2.0, 100: 1.0}, metrics={"accuracy": 25.0})
    (tmp_path / "metrics.jsonl").unlink()
    run = recorded.read(tmp_path, "a", "validation")
    assert (run.step, len(run.evaluated), run.has_history) == (100, 1, False)
    assert run.evaluated[0].problems == {"toy_copy": {"log_perplexity": 1.0, "accuracy": 25.0}}


def test_accuracies_of_the_first_version_become_percentages(tmp_path):
    evaluated(tmp_path, {})
    values = {"log_perplexity": 1.5, "accuracy": 0.25, "bleu": 30.0, "mine": 1.0}
    values["accuracy_top5"] = None  # of an evaluation that was not finite
    old = {"step": 40, "problems": {"toy_copy": values}}
    (tmp_path / "metrics_validation.json").write_text(json.dumps(old))
    (found,) = recorded.read(tmp_path, "a", "validation").evaluated
    assert found.problems == {"toy_copy": values | {"accuracy": 25.0}}
    assert found.units == {"accuracy": "%", "accuracy_top5": "%", "bleu": "%"}


def test_without_recorded_options_hyperparameters_are_known(tmp_path):
    (evaluated(tmp_path, {}) / "run.json").unlink()
    settings = recorded.read(tmp_path, "a", "validation").settings
    assert "seed" not in settings and settings["hidden_size"] == TINY.hidden_size


@pytest.mark.parametrize(
    "name, content",
    [
        ("problems.json", "{"),
        ("hparams.json", '{"hidden_size": "x"}'),
        ("run.json", '{"sede": 3}'),
        ("metrics.jsonl", "{}\n"),
        ("status.json", "[]"),
    ],
)
def test_a_damaged_record_is_named(tmp_path, name, content):
    evaluated(tmp_path, {50: 2.0})
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=rf"{name}.* can't be read"):
        recorded.read(tmp_path, "a", "validation")


def test_where_no_run_is_that_is_said(tmp_path):
    with pytest.raises(UserError, match="There is no directory .*none"):
        recorded.read(tmp_path / "none", "a", "validation")
    with pytest.raises(UserError, match="problems.json can't be read: No such file"):
        recorded.read(tmp_path, "a", "validation")
