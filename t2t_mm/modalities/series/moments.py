"""Mean and standard deviation of each channel over all steps of many series."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

FLAT = 1e-7  # of a mean: a smaller deviation is one of rounding to 32 bits


class Moments(NamedTuple):
    """What was found.

    Attributes:
        mean, deviation: float64 [channels]; the deviation of a channel that never changes is 1.
        steps: of all series together.
        examples: how many series there were.
        not_finite: how many of them held NaN or infinity; they count nowhere else.
    """

    mean: np.ndarray
    deviation: np.ndarray
    steps: int
    examples: int
    not_finite: int


def moments(values: Iterable[Any], channels: int) -> Moments:
    """Reads each series, [length, channels], once and keeps none (Chan, Golub, LeVeque 1979)."""
    mean, squares = np.zeros(channels), np.zeros(channels)  # squares of the distances to the mean
    steps = examples = bad = 0
    for value in values:
        examples += 1
        series = np.asarray(value, np.float64).reshape([-1, channels])
        if not np.isfinite(series).all():
            bad += 1
        elif count := len(series):
            own = series.mean(axis=0)
            difference, total = own - mean, steps + count
            squares += np.square(series - own).sum(axis=0)
            squares += np.square(difference) * steps * count / total
            mean += difference * count / total
            steps = total
    deviation = np.sqrt(squares / max(steps, 1))
    deviation[deviation <= FLAT * np.abs(mean)] = 1.0
    return Moments(mean, deviation, steps, examples, bad)
