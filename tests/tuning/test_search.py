"""Searches whose trials are quick stand-ins for training: what is pruned, recorded and refused."""

import json
import sys
from pathlib import Path

import pytest

from t2t_mm import locks, registry
from t2t_mm.config import hparams_files
from t2t_mm.errors import UserError
from t2t_mm.reporting.console import Console
from t2t_mm.runs import history
from t2t_mm.tuning.outcomes import COMPLETE, FAILED, PRUNED, REFUSED
from t2t_mm.tuning.search import search
from t2t_mm.tuning.storage import Store
from tests.tuning import place


def run(output, capsys=None, command=place.command, **changes):
    """Searches in this process: what came of the trials, and what was said."""
    plan = place.plan(output, **changes)
    output.mkdir(exist_ok=True)
    search(plan, Console(sys.stdout), command)
    return Store(plan).outcomes(), capsys.readouterr().out if capsys else ""


def states(outcomes):
    return [each.state for each in outcomes]


def test_the_sets_own_values_come_first_and_the_best_becomes_a_gin_file(tmp_path, capsys):
    outcomes, told = run(tmp_path, capsys, trials=3)
    assert outcomes[0].is_own and outcomes[0].values == {"learning_rate": 0.01, "dropout": 0.0}
    assert [each.number for each in outcomes] == [0, 1, 2]
    assert states(outcomes) == [COMPLETE] * 3  # too few to tell whether one falls behind
    assert outcomes[0].value == pytest.approx(1 / 40) and outcomes[0].step == 40
    assert "Trial 0 (the set's own values): learning_rate=0.01, dropout=0" in told
    assert "No trial is better than the set's own values (trial 0)" in told
    assert f"python -m t2t_mm train --output_dir={tmp_path / 'best'} --problems=mini_ende" in told
    gin = str(tmp_path / "best.gin")
    assert f"--gin_file={gin}" in told
    best = hparams_files.resolve("multimodel_base", gin_files=[gin])
    assert best == place.plan(tmp_path).hparams  # of all fields, whatever the set


def test_own_values_outside_of_the_range_are_the_baseline_all_the_same(tmp_path):
    outcomes, _ = run(tmp_path, range="learning_rate=0.1..0.9,dropout=0.2|0.3")
    assert outcomes[0].values == {"learning_rate": 0.01, "dropout": 0.0}
    for each in outcomes[1:]:
        assert 0.1 <= each.values["learning_rate"] <= 0.9 and each.values["dropout"] > 0.1


def test_a_trial_that_falls_behind_is_stopped_with_sigterm(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("STUB_WAITS", "4")
    draws = iter([0.02, 0.03, 0.015, 1.0])
    given = {number: rate for number, rate in enumerate(draws, 1)}

    def command(folder, options):  # the stand-in's loss, at other rates than those drawn
        number = int(folder.name.removeprefix("trial_"))
        rate = given.get(number, 0.01)
        return place.command(folder, {**options, "hparams": f"learning_rate={rate}"})

    outcomes, told = run(tmp_path, capsys, command, trials=5)
    assert states(outcomes) == [COMPLETE] * 4 + [PRUNED]
    assert outcomes[4].step == 20  # not in the first third of its steps
    assert (tmp_path / "trial_4" / "stopped").exists()
    assert len(history.read(tmp_path / "trial_4")) == 2
    assert "Trial 4: pruned" in told


def test_a_failed_trial_has_the_last_line_of_its_log_and_the_search_goes_on(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("STUB_FAILS", "0.05")
    outcomes, told = run(tmp_path, capsys, range="learning_rate=0.1..0.9", trials=2)
    assert states(outcomes) == [COMPLETE, FAILED]
    rate = outcomes[1].values["learning_rate"]
    assert outcomes[1].reason == f"error: a rate of {rate} is out of memory"
    assert outcomes[1].reason in told
    assert (tmp_path / "trial_1" / "log.txt").read_text().startswith("a long story\n")


def test_a_search_that_comes_to_nothing_ends_with_the_reason_and_starts_over_when_mended(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("STUB_FAILS", "all")
    with pytest.raises(
        UserError, match=r"All 3 trials failed. Trial 2: error: a rate of .* out of"
    ):
        run(tmp_path, trials=9)
    assert len(place.starts(tmp_path)) == 3
    monkeypatch.delenv("STUB_FAILS")
    outcomes, _ = run(tmp_path, trials=2)
    assert [(each.number, each.is_own) for each in outcomes] == [(3, True), (4, False)]
    assert states(outcomes) == [COMPLETE] * 2


def test_hparams_that_do_not_go_together_start_no_process(tmp_path, capsys):
    outcomes, told = run(tmp_path, capsys, range="learning_rate=1e-3..1,hidden_size=127|129")
    assert states(outcomes) == [COMPLETE] + [REFUSED] * 3
    assert list(place.starts(tmp_path)) == [0]
    assert "hidden_size must be even and a multiple of num_heads" in told


def test_a_trial_of_the_same_values_is_not_trained_again(tmp_path, capsys):
    outcomes, told = run(tmp_path, capsys, range="learning_rate=0.01|0.1", trials=5)
    assert states(outcomes) == [COMPLETE] * 5 and len(place.starts(tmp_path)) == 2
    values = {each.values["learning_rate"]: each.value for each in outcomes}
    assert [each.value for each in outcomes] == [
        values[e.values["learning_rate"]] for e in outcomes
    ]
    assert told.count(": the same as trial ") == 3 and "(trial 0)" in told


def test_a_last_evaluation_that_is_not_finite_is_a_failure(tmp_path):
    def command(folder, options):
        values = {"mini_ende": {"log_perplexity": float("nan" if "_1" in folder.name else 1)}}
        history.append(folder, "validation", 40, {}, values)
        return [sys.executable, "-c", ""]

    outcomes, _ = run(tmp_path, command=command, trials=2)
    assert states(outcomes) == [COMPLETE, FAILED]
    assert "log_perplexity is not finite after 40 steps" in outcomes[1].reason


def test_a_run_that_was_stopped_by_somebody_else_has_not_failed(tmp_path):
    kill = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    with pytest.raises(UserError, match="Trial 0 was stopped by a signal. The same command goes"):
        run(tmp_path, command=lambda folder, options: [sys.executable, "-c", kill])
    outcomes, _ = run(tmp_path, trials=1)
    assert states(outcomes) == [COMPLETE] and len(outcomes) == 1


def test_what_is_drawn_does_not_depend_on_how_often_a_search_was_stopped(tmp_path):
    whole, _ = run(tmp_path / "whole", trials=4)
    for trials in (1, 3, 4):
        parts, _ = run(tmp_path / "parts", trials=trials)
    assert [each.values for each in parts] == [each.values for each in whole]
    assert len({each.values["learning_rate"] for each in whole}) == 4
    assert all(len(steps) == 1 for steps in place.starts(tmp_path / "parts").values())


def test_a_storage_of_another_search_is_refused_and_says_what_differs(tmp_path):
    run(tmp_path, trials=1)
    with pytest.raises(UserError, match=r"tune.db holds a search with range=learning_rate=0.0001"):
        run(tmp_path, range="learning_rate=1e-4..0.5")
    with pytest.raises(UserError, match="metric=mini_ende/log_perplexity, not mini_ende/accuracy"):
        Store(place.plan(tmp_path, metric="mini_ende/accuracy"))
    other = registry.hparams("multimodel_tiny").replace(learning_rate=0.01, moe_k=2)
    with pytest.raises(UserError, match="hparams moe_k=4, not 2"):
        run(tmp_path, hparams=other)


def test_a_directory_belongs_to_one_storage(tmp_path):
    run(tmp_path, trials=1)
    with pytest.raises(UserError, match="holds the trials of a search in another storage"):
        run(tmp_path, trials=1, storage=f"sqlite:///{tmp_path / 'other.db'}")


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "sqlite:////nowhere/at/all/tune.db",
        "nosuchdatabase://host/name",
        "postgresql://me:secret@host:port/name",
        "mysql+nosuchdriver://me:secret@host/name",
    ],
)
def test_a_storage_that_can_not_be_used_is_one_line_without_its_password(tmp_path, url):
    with pytest.raises(UserError, match="^--storage=.* can't be used: ") as raised:
        run(tmp_path, storage=url)
    assert "secret" not in str(raised.value)


def test_without_optuna_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"needs Optuna .*: pip install 't2t-mm\[tune\]'"):
        run(tmp_path)


def test_a_trial_is_told_its_values_beside_what_all_have(tmp_path):
    plan = place.plan(tmp_path, range="learning_rate=1e-4..1,moe_k=2", changes={"attention": False})
    options = plan.options({"learning_rate": 0.5})
    assert options["hparams"] == "attention=False,moe_k=2,learning_rate=0.5"
    assert options["keep_checkpoints"] == 1 and options["problems"] == "mini_ende"
    assert json.dumps(options) and Path(plan.url.removeprefix("sqlite:///")).parent == tmp_path


def test_where_there_are_no_locks_no_trial_is_taken_for_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_lock", lambda descriptor: True)
    first, second = (Store(place.plan(tmp_path)) for _ in range(2))
    with first.claimed() as one, second.claimed() as other:
        assert (one.trial.number, other.trial.number) == (0, 1)


def test_the_table_has_each_value_under_its_name(tmp_path, capsys):
    _, told = run(
        tmp_path, capsys, trials=2, range="learning_rate=0.5..0.9,dropout=0.2|0.3,beta1=0..0.5"
    )
    (row,) = [line for line in told.splitlines() if line.startswith("      0 ")]
    assert row.split()[:7] == ["0", "0.0250", "40", "complete", "0.01", "0", "0.9"]
