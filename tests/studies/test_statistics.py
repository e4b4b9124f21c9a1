"""Intervals over seeds and examples."""

import numpy as np
import pytest

from t2t_mm.studies.statistics import _quantile, difference, mean


def runs(random, seeds, of_seed, of_examples, resamples=50, middle=3.0):
    """(figures, their resamples) of an arm: what the test set adds is the same in all its runs."""
    values = middle + random.normal(0, of_seed, seeds)
    example = random.normal(0, of_examples, resamples)
    return values, values[:, None] + example


def test_a_single_seed_has_no_interval():
    found = mean([2.0], [[1.9, 2.1]])
    assert found.mean == 2.0 and found.interval is None and not found.is_apart


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_intervals_hold_the_truth_as_often_as_they_say(seeds):
    random = np.random.default_rng(seeds)
    hits = 0
    for _ in range(200):
        values, resamples = runs(random, seeds, 1.0, 0.0)
        low, high = mean(values, resamples).interval
        hits += low <= 3.0 <= high
    assert 0.88 <= hits / 200 <= 1.0


def test_many_seeds_are_nearly_normal():
    assert [round(_quantile(freedom), 3) for freedom in (14, 20, 30)] == [2.144, 2.086, 2.042]
    assert _quantile(10**6) == pytest.approx(1.96, abs=1e-3)


def test_few_seeds_do_not_widen_what_the_examples_add():
    random = np.random.default_rng(0)
    for seeds in (2, 5, 20):
        values, resamples = runs(random, seeds, 1e-6, 1.0, resamples=2000)
        low, high = mean(values, resamples).interval
        assert high - low == pytest.approx(2 * 1.96, rel=0.1)


def test_examples_widen_an_interval_that_seeds_leave_narrow():
    random = np.random.default_rng(0)
    values, resamples = runs(random, 5, 0.001, 1.0)
    low, high = mean(values, resamples).interval
    assert 2.0 < high - low < 10.0


def test_a_difference_is_paired_by_seed_and_example():
    random = np.random.default_rng(0)
    values, resamples = runs(random, 5, 1.0, 1.0)
    better = values - 0.1 + random.normal(0, 0.01, 5)
    found = difference((better, values), (resamples + (better - values)[:, None], resamples))
    assert found.is_apart and -0.15 < found.interval[0] < found.interval[1] < -0.05
    assert mean(values, resamples).interval[1] - mean(values, resamples).interval[0] > 1.0


def test_arms_that_differ_by_chance_are_not_told_apart():
    random = np.random.default_rng(1)
    apart = 0
    for _ in range(100):
        (a, of_a), (b, of_b) = (runs(random, 5, 1.0, 0.1) for _ in range(2))
        apart += difference((a, b), (of_a, of_b)).is_apart
    assert apart <= 12


def test_equal_runs_do_not_differ():
    found = difference(([1.0, 2.0], [1.0, 2.0]), ([[1.0, 1.1]] * 2, [[1.0, 1.1]] * 2))
    assert found.mean == 0.0 and found.interval == (0.0, 0.0) and not found.is_apart
