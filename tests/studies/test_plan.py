"""What the runs of a study are given."""

import dataclasses

import pytest

from t2t_mm.config.run import RunConfig
from t2t_mm.studies.plan import CURVE_POINTS
from tests.studies import stub


@pytest.fixture
def plan(tmp_path):
    return stub.plan(tmp_path)


def test_the_runs_are_ordinary_ones(plan):
    for task in plan.tasks():
        config = RunConfig().replace(**plan.options(task))
        assert config.seed == task.seed and config.train_steps == task.arm.train_steps
        assert config.train_steps / config.eval_every == CURVE_POINTS


def test_the_first_seed_of_every_arm_comes_before_the_second(plan):
    assert [(task.seed, task.arm.name) for task in plan.tasks()] == [
        (seed, name) for seed in (0, 1) for name in stub.ORDER
    ]


def test_an_arm_starts_from_the_run_of_the_same_seed(plan):
    task = plan.task(plan.study.arm("third"), 1)
    source = plan.source(task)
    assert (source.arm.name, source.seed) == ("second", 1)
    assert plan.options(task)["warm_start_from"] == str(source.folder)
    assert plan.options(task)["warm_start_rescale"] is True
    assert "warm_start_from" not in plan.options(source) and plan.source(source) is None


def test_another_setting_has_another_folder_and_does_not_count_as_done(plan, monkeypatch):
    task = next(iter(plan.tasks()))
    plan.results.add(stub.row(plan, task))
    assert plan.row(task, plan.results.rows())
    longer = dataclasses.replace(task.arm, train_steps=200)
    half = dataclasses.replace(plan, common={"precision": "bfloat16"})
    for other in (plan.task(longer, 0), half.task(task.arm, 0)):
        assert other.folder != task.folder
    assert not half.row(task, plan.results.rows())
    assert not plan.row(plan.task(longer, 0), plan.results.rows())
    monkeypatch.setattr("t2t_mm.studies.plan._resolved", lambda *names: {"dropout": 0.5})
    assert plan.task(task.arm, 0).folder != task.folder  # the set was edited
    assert not plan.row(task, plan.results.rows())


def test_every_run_has_a_folder_of_its_own(plan):
    folders = [task.folder for task in plan.tasks()]
    assert len(set(folders)) == len(folders) == 6
