"""Searches that are killed, stopped, and run side by side, as processes of their own."""

import signal
import subprocess
import time

import pytest

from t2t_mm import locks
from t2t_mm.runs import history
from t2t_mm.tuning.outcomes import COMPLETE, PRUNED, RUNNING
from t2t_mm.tuning.storage import LOCK, Store
from tests.tuning import place


def wait_for(condition, *searches):
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, [each.communicate(timeout=10) for each in searches]
        time.sleep(0.02)


def ended(search, code=0):
    told, _ = search.communicate(timeout=120)
    assert search.returncode == code, told
    return told


def wait_for_middle(output, number, search):
    """Waits until a trial waits after its second evaluation."""
    wait_for(lambda: len(history.read(output / f"trial_{number}")) == 2, search)


@pytest.fixture
def killed(tmp_path):
    """A search that was killed with SIGKILL in the middle of its second trial."""
    search = place.started(tmp_path, waits=1, trials=3)
    wait_for_middle(tmp_path, 1, search)
    search.kill()
    search.communicate()
    return tmp_path


def test_after_sigkill_the_same_command_goes_on_with_the_trial_that_was_left(killed):
    wait_for((killed / "trial_1" / "stopped").exists)  # it does not outlive the search
    assert not locks.is_locked(killed / "trial_1" / LOCK)
    before = Store(place.plan(killed)).outcomes()
    told = ended(place.started(killed, trials=3))
    after = Store(place.plan(killed)).outcomes()
    assert [each.values for each in after[:2]] == [each.values for each in before]
    assert [each.state for each in after] == [COMPLETE] * 3
    # what was finished is not repeated, and the one that was left is not begun again
    assert place.starts(killed) == {0: [0], 1: [0, 20], 2: [0]}
    assert "Trial 0" not in told and "Trial 1: learning_rate=" in told


@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_stops_the_trial_and_says_how_to_go_on(tmp_path, number, code):
    search = place.started(tmp_path, waits=0, trials=1)
    wait_for_middle(tmp_path, 0, search)
    search.send_signal(number)
    told, _ = search.communicate(timeout=60)
    assert search.returncode == code, told
    assert (tmp_path / "trial_0" / "stopped").exists()
    assert "Trial 0: stopped. The same command goes on with it" in told
    assert [each.state for each in Store(place.plan(tmp_path)).outcomes()] == [RUNNING]


def test_two_processes_search_together_and_run_no_trial_twice(tmp_path):
    pair = [place.started(tmp_path, waits=0, trials=5)]
    wait_for_middle(tmp_path, 0, pair[0])
    told = ended(place.started(tmp_path, trials=4))  # has the other three to itself
    assert [f"Trial {n}: " in told for n in range(4)] == [False, True, True, True]
    assert "1 of the trials are still run by other processes" in told
    pair.append(place.started(tmp_path, trials=6))
    (tmp_path / "go").touch()
    for each in pair:
        ended(each)
    assert place.starts(tmp_path) == {number: [0] for number in range(6)}
    outcomes = Store(place.plan(tmp_path)).outcomes()
    assert [each.is_own for each in outcomes] == [True] + [False] * 5
    assert all(each.state in (COMPLETE, PRUNED) for each in outcomes)


def test_a_trial_that_ends_while_another_process_looks_is_not_run_again(tmp_path):
    mine, other = (Store(place.plan(tmp_path)) for _ in range(2))
    claimed = other.claimed()
    claim, hold = claimed.__enter__(), mine._hold

    def late(held, number):  # the other ends between the look at the trials and the lock
        if number == claim.trial.number:
            other.complete(claim, 1.0)
            claimed.__exit__(None, None, None)
        return hold(held, number)

    mine._hold = late
    with mine.claimed() as next_claim:
        assert next_claim.trial.number == claim.trial.number + 1
        assert not locks.is_locked(tmp_path / f"trial_{claim.trial.number}" / LOCK)


def test_the_next_trial_is_chosen_by_one_process_at_a_time(tmp_path):
    with locks.locked(tmp_path / LOCK):
        search = place.started(tmp_path, trials=1)
        with pytest.raises(subprocess.TimeoutExpired):
            search.wait(timeout=5)
        assert not (tmp_path / "trial_0").exists()
    ended(search)
    assert place.starts(tmp_path) == {0: [0]}
