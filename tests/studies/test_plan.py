"""What the runs of a study are given."""

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


def test_every_run_has_a_folder_of_its_own(plan):
    folders = [task.folder for task in plan.tasks()]
    assert len(set(folders)) == len(folders) == 6
