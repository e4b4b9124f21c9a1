"""Data of a study."""

import dataclasses

import pytest

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.studies import data
from tests.studies import stub
from tests.toys import Toy


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """A plan whose problem has 200 training and 30 validation examples."""
    toys = {"mini_ende": Toy("mini_ende"), "mini_imagenet": Toy("mini_imagenet")}
    for toy in toys.values():
        toy.located = lambda data_dir, toy=toy: toy
    monkeypatch.setattr(registry, "problem", toys.__getitem__)
    monkeypatch.setattr("t2t_mm.studies.plan.Plan.asked", lambda plan, arm: {"of": arm.name})
    made = stub.plan(tmp_path)
    return dataclasses.replace(made, split="validation", common={"data_dir": "there"})


def test_other_data_than_that_of_the_runs_that_are_done_is_refused(plan):
    digests = data.check(plan, plan.study.arms[0])
    assert set(digests) == {"mini_ende", "mini_imagenet"}
    task = plan.tasks()[0]
    plan.results.add(stub.row(plan, task) | {"data": digests})
    assert data.check(plan, task.arm) == digests
    registry.problem("mini_ende").sizes["train"] += 1
    with pytest.raises(UserError, match="data of mini_ende in there is not what first, seed 0, in"):
        data.check(plan, plan.study.arms[1])


def test_a_split_that_is_not_there_and_too_few_examples_are_refused(plan):
    with pytest.raises(UserError, match="mini_ende has no examples in the split 'test'"):
        data.check(dataclasses.replace(plan, split="test"), plan.study.arms[0])
    more = dataclasses.replace(plan.study.arms[0], train_examples=201)
    with pytest.raises(UserError, match="trains on 201 examples, but mini_ende has 200"):
        data.check(plan, more)
