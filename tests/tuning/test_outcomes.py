"""What is said of trials: which is best, whether that means anything, whether all have failed."""

import pytest

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.tuning.outcomes import (
    COMPLETE,
    FAILED,
    PRUNED,
    REFUSED,
    RUNNING,
    Outcome,
    best,
    check_some_work,
    ordered,
    verdict,
)

NATS, PERCENT = registry.metric("log_perplexity"), registry.metric("accuracy")


def trial(number, state=COMPLETE, value=None, is_own=False, reason=""):
    return Outcome(number, {"dropout": 0.1}, is_own, state, value, 40, reason)


def test_the_best_comes_first_and_a_pruned_trial_never_is():
    trials = [trial(0, value=2.0), trial(1, PRUNED, 1.0), trial(2, FAILED), trial(3, value=1.5)]
    assert [each.number for each in ordered(trials, False)] == [3, 0, 1, 2]
    assert [each.number for each in ordered(trials, True)] == [0, 3, 1, 2]
    assert best(trials, False).number == 3
    assert best([trial(0, PRUNED, 1.0), trial(1, RUNNING)], False) is None


@pytest.mark.parametrize(
    "measure, own, other, told",
    [
        (NATS, 2.0, 1.5, "Trial 1 is better than the set's own values"),
        (NATS, 2.0, 1.99, "can't be told from the set's own values"),
        (NATS, 2.0, 2.5, "No trial is better"),
        (PERCENT, 50.0, 50.5, "can't be told"),
        (PERCENT, 99.0, 99.5, "Trial 1 is better"),  # half of the errors are gone
        (PERCENT, 99.0, 98.0, "No trial is better"),
    ],
)
def test_the_best_is_compared_with_the_sets_own_values(measure, own, other, told):
    assert told in verdict([trial(0, value=own, is_own=True), trial(1, value=other)], measure)


def test_without_a_result_of_the_sets_own_values_it_says_so():
    told = verdict([trial(0, FAILED, is_own=True), trial(1, value=1.0)], NATS)
    assert "nothing to compare" in told


def failures(*states):
    return [trial(i, state, reason=f"reason {i}.") for i, state in enumerate(states)]


def test_three_failures_and_nothing_else_end_a_search():
    check_some_work(failures(FAILED, FAILED), False, "logs")
    with pytest.raises(
        UserError, match="All 3 trials failed. Trial 2: reason 2. The logs are logs"
    ):
        check_some_work(failures(FAILED, FAILED, FAILED), False, "logs")
    check_some_work([*failures(FAILED, FAILED, FAILED), trial(3, value=1.0)], False, "logs")
    check_some_work([*failures(FAILED, FAILED, FAILED), trial(3, PRUNED, 1.0)], True, "logs")


def test_at_the_end_one_failure_is_enough_if_it_is_all_there_is():
    with pytest.raises(UserError, match="The only trial failed. Trial 0: reason 0"):
        check_some_work(failures(FAILED), True, "logs")
    with pytest.raises(UserError, match="All 2 trials failed. Trial 0: reason 0"):
        check_some_work(failures(FAILED, REFUSED), True, "logs")
    check_some_work(failures(FAILED, RUNNING), True, "logs")  # another process may do better
