"""Mixing: rates, and that a step's problem depends on seed and step alone."""

import numpy as np
import pytest

from t2t_mm.config.hparams import HParams
from t2t_mm.data.pipeline import mixing


def test_rates():
    sizes = [900, 100]
    np.testing.assert_allclose(mixing.rates(sizes, HParams()), [0.5, 0.5])
    np.testing.assert_allclose(mixing.rates(sizes, HParams(mix="proportional")), [0.9, 0.1])
    np.testing.assert_allclose(
        mixing.rates(sizes, HParams(mix="temperature", mix_temperature=2.0)), [0.75, 0.25]
    )
    np.testing.assert_allclose(
        mixing.rates(sizes, HParams(mix="proportional"), [None, None]), [0.9, 0.1]
    )


def test_weights_stand_for_themselves():
    np.testing.assert_allclose(
        mixing.rates([900, 100], HParams(mix="proportional"), [1.0, 3.0]), [0.25, 0.75]
    )


@pytest.mark.parametrize("seed", [0, 1, 2**40])
def test_steps_are_drawn_at_the_rates(seed):
    rates = np.array([0.6, 0.3, 0.1])
    drawn = (
        np.bincount([mixing.problem_at(step, seed, rates) for step in range(3000)], minlength=3)
        / 3000
    )
    np.testing.assert_allclose(drawn, rates, atol=0.002)


def test_after_any_number_of_steps_each_has_its_share():
    rates = np.array([0.6, 0.3, 0.1])
    counts = np.zeros(3)
    for step in range(2000):
        counts[mixing.problem_at(step, 5, rates)] += 1
        assert (np.abs(counts - rates * (step + 1)) < 3).all()


def test_a_draw_depends_on_seed_and_step_alone():
    forwards = [mixing.problem_at(step, 7, [1, 1, 1]) for step in range(50)]
    assert forwards == [mixing.problem_at(step, 7, [1, 1, 1]) for step in reversed(range(50))][::-1]
    assert forwards != [mixing.problem_at(step, 8, [1, 1, 1]) for step in range(50)]


def test_a_problem_of_weight_zero_is_never_drawn():
    assert {mixing.problem_at(step, 0, [0.0, 1.0, 0.0]) for step in range(200)} == {1}
