"""The report: what it says, and what it doesn't."""

import dataclasses
import math

import pytest

from t2t_mm.reporting.console import Silent
from t2t_mm.studies import report
from t2t_mm.studies.statistics import Estimate
from t2t_mm.studies.study import Contrast, Study
from tests.studies import stub

CONTRAST = Contrast("second", "first", "mini_ende", "log_perplexity")


def rows(plan, **levels):
    """Rows with a log-perplexity of each arm, a bit more for each seed."""
    return report.by_arm(
        [
            stub.row(plan, task, levels[task.arm.name] + 0.01 * task.seed)
            for task in plan.tasks()
            if task.arm.name in levels
        ]
    )


def said_of(contrast, found):
    (said,) = report.sentences([contrast], found)
    return said


@pytest.mark.parametrize(
    "second, said",
    [
        (0.5, "second is better than first: -0.5000 [-0.5000, -0.5000], 3 seeds."),
        (1.5, "second is worse than first: +0.5000 [+0.5000, +0.5000], 3 seeds."),
        (1.0, "second is not distinguishable from first with 3 seeds: +0.0000"),
    ],
)
def test_a_contrast_is_a_sentence(tmp_path, second, said):
    found = said_of(CONTRAST, rows(stub.plan(tmp_path, seeds=3), first=1.0, second=second))
    assert found.startswith(f"mini_ende, log_perplexity: {said}")


def test_more_is_better_where_the_metric_says_so(tmp_path):
    found = rows(stub.plan(tmp_path, seeds=3), first=1.0, second=2.0)
    said = said_of(dataclasses.replace(CONTRAST, metric="accuracy"), found)
    assert "second is better than first: +1.00 points [+1.00, +1.00]" in said


def test_a_single_seed_tells_nothing_apart(tmp_path):
    found = rows(stub.plan(tmp_path, seeds=1), first=1.0, second=0.1)
    assert said_of(CONTRAST, found).endswith(
        "differs from first by -0.9000: a single seed can't tell whether that is chance."
    )


def test_a_figure_that_is_not_finite_tells_nothing(tmp_path):
    plan = stub.plan(tmp_path, seeds=3)
    for task in plan.tasks():
        plan.results.add(stub.row(plan, task, math.nan if task.seed == 2 else 1.0))
    said = said_of(CONTRAST, report.by_arm(plan.rows()))
    assert said.endswith("second against first: a figure of one of them is not finite.")
    report.write(plan, "command", Silent())
    assert "| nan [nan, nan] |" in (tmp_path / "report.md").read_text()


def test_what_is_not_measured_is_said(tmp_path):
    found = rows(stub.plan(tmp_path, seeds=3), first=1.0)
    assert said_of(CONTRAST, found) == (
        "Not measured yet, or not on the same examples: second against first (mini_ende)."
    )


def test_only_seeds_that_both_arms_have_are_compared(tmp_path):
    found = rows(stub.plan(tmp_path, seeds=3), first=1.0, second=0.5)
    found["second"] = found["second"][:2]
    assert report.contrasted(CONTRAST, found).seeds == 2


def test_arms_measured_on_other_examples_are_not_compared(tmp_path):
    found = rows(stub.plan(tmp_path, seeds=3), first=1.0, second=0.5)
    found["second"][0]["examples"]["mini_ende"] = 39
    assert said_of(CONTRAST, found).startswith("Not measured yet, or not on the same examples: ")


def test_a_study_without_contrasts_shows_what_was_measured(tmp_path):
    plan = dataclasses.replace(stub.plan(tmp_path), study=Study(stub.plan(tmp_path).study.arms, []))
    plan.results.add(stub.row(plan, next(iter(plan.tasks()))))
    report.write(plan, "command", Silent())
    assert (
        "| mini_ende log_perplexity | mini_ende accuracy |" in (tmp_path / "report.md").read_text()
    )


def test_no_share_lies_outside_of_none_and_all():
    found = Estimate(97.0, (74.0, 119.9), 2)
    assert report._cell(found, "accuracy") == "97.00% [74.00, 100.00]"
    assert report._cell(found, "log_perplexity") == "97.0000 [74.0000, 119.9000]"


def test_the_report_has_every_arm_every_contrast_and_its_command(tmp_path):
    plan = stub.plan(tmp_path, seeds=3)
    for task in list(plan.tasks())[:-1]:
        plan.results.add(stub.row(plan, task))
    report.write(plan, "t2t-mm-study --study=blocks", Silent())
    text = (tmp_path / "report.md").read_text()
    assert "```bash\nt2t-mm-study --study=blocks\n```" in text and "The paper: It was so." in text
    assert "**1 of 9 runs are not done yet.**" in text
    assert text.count("\n- mini_ende, ") == len(plan.study.contrasts) == 4
    first = next(line for line in text.splitlines() if line.startswith("| first "))
    assert first.startswith("| first | 100 | 3 | 1.00 M | 0.10 M | 6.1000 [")
    for name in ("learning_curves", "size", "experts"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert b"<svg" in (tmp_path / f"{name}.svg").read_bytes()
        assert f"({name}.png)" in text


def test_the_same_results_give_the_same_report(tmp_path):
    plan = stub.plan(tmp_path)
    for task in plan.tasks():
        plan.results.add(stub.row(plan, task))
    contents = []
    for _ in range(2):
        report.write(plan, "command", Silent())
        files = sorted(tmp_path.glob("*.md")) + sorted(tmp_path.glob("*.svg"))
        contents.append([path.read_bytes() for path in files])
    assert contents[0] == contents[1] and len(contents[0]) == 4
