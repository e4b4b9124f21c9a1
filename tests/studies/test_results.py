"""`results.jsonl`."""

import copy
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from t2t_mm.errors import UserError
from tests.studies import stub


@pytest.fixture
def plan(tmp_path):
    return stub.plan(tmp_path)


def test_rows_come_back_as_they_were(plan):
    rows = [stub.row(plan, task) for task in plan.tasks()]
    for row in rows:
        plan.results.add(row)
    assert plan.results.rows() == rows == plan.rows()


def test_a_line_that_was_cut_off_is_not_done_and_does_not_spoil_the_next(plan):
    first, second, *_ = [stub.row(plan, task) for task in plan.tasks()]
    plan.results.add(first)
    with open(plan.results.path, "a") as file:
        file.write(json.dumps(second)[:100])
    assert plan.results.rows() == [first]
    plan.results.add(second)
    assert plan.results.rows() == [first, second]


@pytest.mark.parametrize("line", ["{}", "nonsense", "[" * 50_000, '{"study": 3}', ""])
def test_a_line_that_cannot_be_read_is_named(plan, line):
    plan.results.path.write_text(f"{line}\n")
    with pytest.raises(UserError, match=r"results.jsonl, line 1, can't be read: .*Remove the line"):
        plan.results.rows()


def test_rows_of_several_at_once_stay_whole(plan):
    rows = [stub.row(plan, task, value) for value in range(5) for task in plan.tasks()]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(plan.results.add, rows))
    found = plan.results.rows()
    assert sorted(map(str, found)) == sorted(map(str, rows))


def test_no_results_are_no_rows(plan):
    assert plan.results.rows() == []


def test_what_is_done_stays_done_when_there_is_a_new_hparam(plan):
    task = next(iter(plan.tasks()))
    before, other = (copy.deepcopy(stub.row(plan, task)) for _ in range(2))
    del before["asked"]["hparams"]["ctc_weight"]  # as of a version without it
    plan.results.add(before)
    assert plan.row(task, plan.results.rows()) == before
    other["asked"]["hparams"] = {"ctc_weight": 0.3}  # it had another default
    plan.results.path.unlink()
    plan.results.add(other)
    assert not plan.row(task, plan.results.rows())
