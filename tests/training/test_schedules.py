"""Learning-rate schedules at the points that define them."""

import pytest

from t2t_mm.config.hparams import HParams
from t2t_mm.registry import RegistryError
from t2t_mm.training.schedules import learning_rate

SCHEDULES = ("constant", "noam", "cosine", "linear")


def rates(schedule, steps, warmup=10, train_steps=110):
    hparams = HParams(schedule=schedule, learning_rate=2.0, warmup_steps=warmup)
    return [learning_rate(hparams, step, train_steps) for step in steps]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_warms_up_linearly_to_the_peak_and_never_beyond(schedule):
    every = rates(schedule, range(130))
    assert every[0] == pytest.approx(2 / 11) and every[4] == pytest.approx(10 / 11)
    assert every[10] == pytest.approx(2.0) == max(every)
    assert all(after <= before for before, after in zip(every[10:], every[11:], strict=False))
    assert min(every) >= 0


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_without_warm_up_starts_at_the_peak(schedule):
    assert rates(schedule, [0], warmup=0) == [2.0]


def test_known_points():
    assert rates("constant", [109, 500]) == [2.0, 2.0]
    assert rates("noam", [40, 1000]) == pytest.approx([1.0, 0.2])
    assert rates("cosine", [60, 110]) == pytest.approx([1.0, 0.0])
    assert rates("linear", [35, 60, 109, 110, 500]) == pytest.approx([1.5, 1.0, 0.02, 0.0, 0.0])


def test_unknown_schedule():
    class Fake:
        schedule, warmup_steps, learning_rate = "cosin", 0, 1.0

    with pytest.raises(RegistryError, match="'cosin': did you mean cosine"):
        learning_rate(Fake(), 0, 1)
