"""Which checkpoint of a run is read."""

import pytest

from t2t_mm.errors import UserError
from t2t_mm.runs.choice import chosen, described
from t2t_mm.runs.directory import OutputDir


@pytest.fixture
def run(tmp_path):
    """A run with checkpoints of steps 20 and 100, the best of step 60, and no other file."""
    for folder, steps in (("checkpoints", (20, 100)), ("best", (60,))):
        (tmp_path / folder).mkdir()
        for step in steps:
            (tmp_path / folder / f"ckpt-{step}.index").touch()
    return OutputDir(tmp_path)


@pytest.mark.parametrize(
    "which, path",
    [
        ("newest", "checkpoints/ckpt-100"),
        ("best", "best/ckpt-60"),
        ("20", "checkpoints/ckpt-20"),
        (100, "checkpoints/ckpt-100"),
        (60, "best/ckpt-60"),
    ],
)
def test_the_newest_the_best_or_one_of_a_step(run, which, path):
    assert chosen(run, which) == str(run.path / path)
    assert chosen(run, str(run.path / path)) == str(run.path / path)


@pytest.mark.parametrize(
    "which, told",
    [
        (50, "no checkpoint of step 50 in .*: kept are 20, 100, and 60 is the best"),
        ("bets", "no checkpoint 'bets': give newest, best"),
        ("-20", "no checkpoint '-20'"),
        ("ckpt-20", "no checkpoint 'ckpt-20'"),
        ("9" * 5000, "no checkpoint '9{100}': give"),  # more digits than Python reads
    ],
)
def test_what_is_not_there_is_one_line(run, which, told):
    with pytest.raises(UserError, match=told):
        chosen(run, which)


def test_a_run_that_kept_no_best_says_how_to(tmp_path):
    with pytest.raises(UserError, match="train with --keep_best=problem/metric"):
        chosen(OutputDir(tmp_path), "best")


def test_what_was_read_is_told_and_that_the_newest_is_not_the_best(run):
    told = described(run, "newest", 100)
    assert "step 100 (newest)" in told and "the best is that of step 60: --checkpoint=best" in told
    assert described(run, "newest", 60).endswith(f"step 60 (newest) of {run.path}")
    assert described(run, "best", 60).endswith(f"step 60 (best) of {run.path}")
    assert described(run, "20", 20).endswith(f"step 20 of {run.path}")
