"""What several seeds and one test set can tell: means and differences with intervals.

Two things are left to chance: the seed of a run, and which examples the test set holds. The seeds
give an interval by Student's t. A run's figure comes with its values on bootstrap resamples of the
test examples, the same resamples in all runs: how far the mean over seeds spreads on them is what
the examples add. The two are independent, so their half-widths add up as squares do. A single seed
gives no interval.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from t2t_mm.studies.results import Figure

# 97.5% quantiles of Student's t for 1, 2, ... degrees of freedom.
T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
NORMAL = 1.960


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A mean over seeds and its 95% interval; no interval (None) of a single seed."""

    mean: float
    interval: tuple[float, float] | None
    seeds: int

    @property
    def is_apart(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.interval is not None and (self.interval[0] > 0.0 or self.interval[1] < 0.0)


Values = Sequence[float | None]  # None stands for a figure that is not finite


def mean(values: Values, resamples: Sequence[Values]) -> Estimate:
    """The mean over seeds; NaN if a figure is not finite.

    Args:
        values: the figure of each seed's run.
        resamples: [seeds, resamples], its values on resamples of the test examples.
    """
    points, drawn = np.asarray(values, np.float64), np.asarray(resamples, np.float64)
    middle, seeds = float(points.mean()), len(points)
    if seeds < 2:
        return Estimate(middle, None, seeds)
    of_seeds = _quantile(seeds - 1) * points.std(ddof=1) / np.sqrt(seeds)
    of_examples = NORMAL * drawn.mean(axis=0).std()  # [resamples]
    half = float(np.hypot(of_seeds, of_examples))
    return Estimate(middle, (middle - half, middle + half), seeds)


def of_runs(figures: Sequence[Figure]) -> Estimate:
    """The mean of a figure over the runs that have it, one for each seed."""
    return mean([each["value"] for each in figures], [each["resamples"] for each in figures])


def difference(
    values: tuple[Values, Values], resamples: tuple[Sequence[Values], Sequence[Values]]
) -> Estimate:
    """The mean difference of two arms, first less second, paired by seed and by example: run i of
    both has the same seed, and resample k of both the same test examples."""
    first, second = (np.asarray(each, np.float64) for each in values)
    ours, theirs = (np.asarray(each, np.float64) for each in resamples)
    return mean((first - second).tolist(), (ours - theirs).tolist())


def _quantile(freedom: int) -> float:
    """Of Student's t; beyond the table by the first terms of its expansion, to a thousandth."""
    if freedom <= len(T):
        return T[freedom - 1]
    return NORMAL + 2.372 / freedom + 2.82 / freedom**2
