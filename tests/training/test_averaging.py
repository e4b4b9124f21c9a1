"""The moving average of weights."""

import keras
import pytest

from t2t_mm.training.averaging import MovingAverage


def test_a_moving_average_counts_the_updates_of_each_weight():
    often, seldom = keras.Variable(1.0), keras.Variable(1.0)
    average = MovingAverage({"often": often, "seldom": seldom}, decay=0.999)
    often.assign(2.0)
    seldom.assign(2.0)
    for _ in range(30):
        average.update([often])
    average.update([often, seldom])
    assert float(average.averages["seldom"]) == pytest.approx(
        1.9
    )  # its first: the start counts for a tenth
    assert list(average.counts) == [31, 1] and float(average.averages["often"]) == pytest.approx(
        2.0, abs=1e-4
    )
    average.restart()
    assert list(average.counts) == [0, 0] and float(average.averages["seldom"]) == 2.0
