"""Real numbers: errors in the units of the data, and correlations.

A line of text holds the numbers of an example, "0.31 0.72". Of several numbers an error is the mean
over all of them, and a correlation the mean of those of each.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.evaluation.metrics.scoring import Metric, ratio
from t2t_mm.evaluation.metrics.teacher_forced import TeacherForced, masked_sums
from t2t_mm.modalities.real.text import numbers_in

_SIGNATURE = "average:over values"


class _Error(TeacherForced):
    """The mean over all numbers of what `of` makes of a difference."""

    scale, unit = 1, ""
    higher_is_better = False
    is_of_text = True
    takes_several = False

    def of(self, difference: Any) -> Any:
        """What one number adds, of tensors and arrays alike."""
        raise NotImplementedError

    def sums(self, logits: Any, targets: Any, mask: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        return masked_sums(tf.reduce_mean(self.of(logits - targets), axis=-1), mask)

    def counts(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
        found, wanted = _numbers(hypotheses, references)
        return np.stack([self.of(found - wanted).mean(axis=1), np.ones(len(found))], axis=1)

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        return _SIGNATURE


@registry.register_metric
class Rmse(_Error):
    """Root of the mean squared error, in the units of the data."""

    def of(self, difference: Any) -> Any:
        return difference * difference

    def value(self, sums: np.ndarray) -> float:
        return float(np.sqrt(ratio(*sums)))


@registry.register_metric
class Mae(_Error):
    """Mean absolute error, in the units of the data."""

    def of(self, difference: Any) -> Any:
        return abs(difference)


@registry.register_metric
class Pearson(TeacherForced):
    """Pearson's correlation of predictions and targets, from -1 to 1; 0 where one is constant."""

    scale, unit = 1, ""
    is_of_text = True
    takes_several = False

    def width(self, targets: Any) -> int:
        return 6 * targets.size

    def sums(self, logits: Any, targets: Any, mask: Any) -> tuple[Any, ...]:
        import tensorflow as tf

        real = tf.cast(mask[..., None], tf.float64)
        x, y = (tf.where(real > 0, tf.cast(each, tf.float64), 0.0) for each in (logits, targets))
        products = (real * tf.ones_like(x), x, y, x * x, y * y, x * y)
        return tuple(tf.reduce_sum(each, axis=[0, 1]) for each in products)

    def counts(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
        x, y = _numbers(hypotheses, references)
        x, y = x - x.mean(axis=0), y - y.mean(axis=0)  # for digits: it changes no correlation
        return np.concatenate([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1)

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        return _SIGNATURE

    def value(self, sums: np.ndarray) -> float:
        count, x, y, xx, yy, xy = np.reshape(sums, [6, -1])  # [values] each
        return correlation(xx - x * x / count, yy - y * y / count, xy - x * y / count)


@registry.register_metric
class Spearman(Metric):
    """Spearman's correlation: Pearson's of the ranks; what is equal shares a rank."""

    scale, unit = 1, ""
    takes_several = False

    def counts(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
        return np.concatenate(_numbers(hypotheses, references), axis=1)  # [examples, 2 values]

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        return _SIGNATURE

    def figure(self, rows: np.ndarray, times: np.ndarray | None = None) -> float:
        rows = rows if times is None else np.repeat(rows, times, axis=0)
        ranked = np.stack([ranks(column) for column in rows.T], axis=1)
        x, y = np.split(ranked - ranked.mean(axis=0), 2, axis=1)
        return correlation((x * x).sum(axis=0), (y * y).sum(axis=0), (x * y).sum(axis=0))


def correlation(xx: np.ndarray, yy: np.ndarray, xy: np.ndarray) -> float:
    """The mean correlation that sums of products of what is centred give, [values] each."""
    spread = np.sqrt(np.maximum(xx, 0.0) * np.maximum(yy, 0.0))
    return float(np.mean(np.divide(xy, spread, out=np.zeros_like(spread), where=spread > 0)))


def ranks(values: np.ndarray) -> np.ndarray:
    """The rank of each value, [examples]; equal values have the mean of their ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def _numbers(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]]
) -> tuple[np.ndarray, np.ndarray]:
    """(found, wanted: float64 [examples, values]); UserError for a line that is something else."""
    wanted = [_row(f"reference {n}", line) for n, (line,) in enumerate(references, 1)]
    found = [_row(f"hypothesis {n}", line) for n, line in enumerate(hypotheses, 1)]
    size = len(wanted[0])
    for number, pair in enumerate(zip(found, wanted, strict=True), 1):
        if wrong := [len(row) for row in pair if len(row) != size]:
            raise UserError(
                f"Example {number} has {wrong[0]} numbers where the first reference has {size}: "
                "all lines need as many."
            )
    return np.array(found), np.array(wanted)


def _row(name: str, line: str) -> np.ndarray:
    try:
        return numbers_in(line)
    except ValueError:
        raise UserError(
            f"{name} is {line[:60]!a}, where finite numbers are expected, such as '0.31 0.72'."
        ) from None
