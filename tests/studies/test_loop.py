"""Working through the runs of a study: shared, interrupted, failing."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from t2t_mm.errors import UserError
from t2t_mm.reporting.console import Console, Silent
from t2t_mm.runs.child import LOG
from t2t_mm.studies.loop import Loop
from tests.studies import stub

ROOT = Path(__file__).parents[2]
LINE = [sys.executable, "-m", "tests.studies.stub"]


def start(folder):
    return subprocess.Popen([*LINE, folder], cwd=ROOT, stdout=subprocess.DEVNULL)


def made(folder):
    return sorted((folder / "made").read_text().splitlines())


def expected(folder):
    plan = stub.plan(folder)
    return sorted(map(str, plan.tasks())), [stub.row(plan, task) for task in plan.tasks()]


def loop(folder, console=None):
    plan = stub.plan(folder)
    return Loop(plan, lambda task: stub.command(plan, task), console or Silent())


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_every_run_is_made_once_and_not_again(tmp_path, capsys):
    names, rows = expected(tmp_path)
    loop(tmp_path, Console()).run()
    assert made(tmp_path) == names and stub.plan(tmp_path).rows() == rows
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("first, seed 0: mini_ende log_perplexity 6, mini_imagenet")
    assert lines[-1].endswith("6 of 6 runs done)")
    loop(tmp_path).run()
    assert made(tmp_path) == names


def test_two_processes_share_the_runs(tmp_path):
    names, rows = expected(tmp_path)
    assert [process.wait(120) for process in [start(tmp_path), start(tmp_path)]] == [0, 0]
    assert made(tmp_path) == names
    assert stub.plan(tmp_path).rows() == rows


def test_killed_again_and_again_it_ends_with_the_same_rows(tmp_path):
    names, rows = expected(tmp_path)
    chance = random.Random(0)
    for _ in range(4):
        process = start(tmp_path)
        time.sleep(chance.uniform(0.5, 1.5))
        process.send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM]))
        process.wait(60)
    assert start(tmp_path).wait(120) == 0
    assert stub.plan(tmp_path).rows() == rows and set(made(tmp_path)) == set(names)


def test_a_run_that_fails_is_told_with_its_reason_and_the_others_are_made(tmp_path, capsys):
    (tmp_path / stub.FAILS).write_text("second")
    with pytest.raises(UserError, match=r"4 runs of blocks failed. The first, second, seed 0: it"):
        loop(tmp_path, Console()).run()
    assert made(tmp_path) == [f"first, seed {seed}" for seed in range(2)]
    assert "second, seed 0: failed: it does not work" in capsys.readouterr().out
    plan = stub.plan(tmp_path)
    folder = plan.task(plan.study.arm("second"), 0).folder
    assert (folder / LOG).read_text() == "starting\nerror: it does not work\n"
    (tmp_path / stub.FAILS).unlink()
    loop(tmp_path).run()
    assert plan.rows() == expected(tmp_path)[1]


def test_an_arm_that_was_changed_is_made_again(tmp_path):
    loop(tmp_path).run()
    plan = stub.plan(tmp_path)
    rows = plan.results.rows()
    task = plan.task(plan.study.arm("third"), 0)
    assert plan.row(task, rows)
    longer = stub.Arm("second", "mini_ende", 200, "multimodel_tiny")
    other = stub.Study([plan.study.arms[0], longer, plan.study.arms[2]], plan.study.contrasts)
    changed = stub.Plan("blocks", other, 2, tmp_path)
    assert [row["arm"] for row in changed.rows()] == ["first"] * 2  # third starts from second


def test_more_seeds_add_runs_to_those_that_are_done(tmp_path):
    loop(tmp_path).run()
    more = stub.plan(tmp_path, seeds=3)
    left = [task for task in more.tasks() if not more.row(task, more.results.rows())]
    assert [str(task) for task in left] == ["first, seed 2", "second, seed 2", "third, seed 2"]


def test_results_alone_say_what_is_done(tmp_path):
    loop(tmp_path).run()
    os.rename(tmp_path / "runs", tmp_path / "gone")
    loop(tmp_path).run()
    assert not (tmp_path / "runs").exists()
