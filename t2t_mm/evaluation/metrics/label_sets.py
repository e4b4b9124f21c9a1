"""Sets of labels: F1, average precision, and cross-entropy of each label.

A line of text is a set, "blue; ring", and behind a tab, for the metric that ranks, the probability
of each label, "blue=0.98; ring=0.91": what t2t-mm-decoder writes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.evaluation.metrics.scoring import Metric, ratio
from t2t_mm.evaluation.metrics.teacher_forced import TeacherForced, masked_sums
from t2t_mm.modalities.multi_label.text import labels_in, probabilities_in


@registry.register_metric
class LogLoss(TeacherForced):
    """Mean negative log likelihood of a label, present or absent, in nats."""

    scale, unit = 1, ""
    higher_is_better = False

    def sums(self, logits: Any, targets: Any, mask: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        losses = tf.nn.sigmoid_cross_entropy_with_logits(targets, tf.cast(logits, tf.float32))
        return masked_sums(tf.reduce_mean(losses, axis=-1), mask)


class _F1(TeacherForced):
    """Of each label the examples in which it is found, missed, and wrongly found are counted."""

    is_of_text = True
    takes_several = False

    def width(self, targets: Any) -> int:
        return 3 * targets.num_classes

    def sums(self, logits: Any, targets: Any, mask: Any) -> tuple[Any, ...]:
        import tensorflow as tf

        answered, wanted = logits >= 0, targets > 0  # probabilities of 0.5 or more
        real = mask[..., None]
        count = lambda where: tf.reduce_sum(tf.cast(where & real, tf.float64), axis=[0, 1])  # noqa: E731
        return count(answered & wanted), count(~answered & wanted), count(answered & ~wanted)

    def counts(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
        answered, wanted, _ = _sets(hypotheses, references)
        counted = (answered & wanted, ~answered & wanted, answered & ~wanted)
        return np.concatenate(counted, axis=1).astype(np.int64)


@registry.register_metric
class MicroF1(_F1):
    """F1 of labels over all examples and labels together, in percent."""

    def value(self, sums: np.ndarray) -> float:
        found, missed, wrong = np.reshape(sums, [3, -1]).sum(axis=1)
        return _f1(found, missed, wrong)

    def details(self, sums: np.ndarray) -> dict[str, float]:
        found, missed, wrong = np.reshape(sums, [3, -1]).sum(axis=1)
        return {
            "precision": ratio(found, found + wrong, 100),
            "recall": ratio(found, found + missed, 100),
        }

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        return "average:micro"


@registry.register_metric
class MacroF1(_F1):
    """Mean of the labels' F1, in percent: a rare label counts as much as a frequent one."""

    def value(self, sums: np.ndarray) -> float:
        columns = np.reshape(sums, [3, -1]).T
        scores = [_f1(*each) for each in columns if each.any()]
        return float(np.mean(scores)) if scores else 0.0

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        return "average:macro|labels:that occur or are answered"

    def by_label(
        self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]
    ) -> dict[str, dict[str, float]]:
        labels = _sets(hypotheses, references)[2]
        columns = self.counts(hypotheses, references).sum(axis=0).reshape([3, -1]).T
        return {
            label: {
                "examples": int(found + missed),
                "precision": ratio(found, found + wrong, 100),
                "recall": ratio(found, found + missed, 100),
                "f1": _f1(found, missed, wrong),
            }
            for label, (found, missed, wrong) in zip(labels, columns, strict=True)
        }


@registry.register_metric
class MeanAveragePrecision(Metric):
    """Mean over the labels of the average precision of the examples, ranked by probability."""

    takes_several = False

    def counts(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
        _, wanted, labels = _sets(hypotheses, references)
        ranked = [_probabilities(n, line) for n, line in enumerate(hypotheses, 1)]
        scores = [[found.get(label, 0.0) for label in labels] for found in ranked]
        return np.concatenate([wanted, np.array(scores)], axis=1)  # [examples, 2 labels]

    def figure(self, rows: np.ndarray, times: np.ndarray | None = None) -> float:
        times = np.ones(len(rows)) if times is None else times
        wanted, scores = np.split(rows, 2, axis=1)
        labels = np.flatnonzero(times @ wanted)  # of the others there is nothing to find
        found = [average_precision(wanted[:, k], scores[:, k], times) for k in labels]
        return 100 * float(np.mean(found)) if found else 0.0

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        return "average:macro|labels:that occur|ties:together"


def average_precision(wanted: np.ndarray, scores: np.ndarray, times: np.ndarray) -> float:
    """Sum over the ranks of precision times what recall gains there; examples with one score have
    one rank.

    Args:
        wanted: [examples], 1 where there is something to find.
        scores: [examples].
        times: [examples], how often each is there.
    """
    order = np.argsort(-scores, kind="stable")
    found, seen = np.cumsum((wanted * times)[order]), np.cumsum(times[order])
    ranked = scores[order]
    ends = np.append(ranked[1:] != ranked[:-1], True) & (seen > 0)  # the last of each rank
    gained = np.diff(found[ends], prepend=0.0)
    return float(np.sum(gained * found[ends] / seen[ends]) / found[-1])


def _sets(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]]
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(answered, wanted: bool [examples, labels], the labels that are in one of them, sorted)."""
    answered = [labels_in(line) for line in hypotheses]
    wanted = [labels_in(line) for (line,) in references]
    labels = sorted(set().union(*answered, *wanted))
    rows = [
        [[label in found for label in labels] for found in several]
        for several in (answered, wanted)
    ]
    answers, targets = (np.array(each, bool).reshape([-1, len(labels)]) for each in rows)
    return answers, targets, labels


def _probabilities(number: int, line: str) -> dict[str, float]:
    """What a line says of the labels' probabilities; an empty one is an input without an answer."""
    try:
        found = probabilities_in(line)
    except ValueError:
        found = None
    if found is None and line.strip():
        raise UserError(
            f"mean_average_precision ranks by probabilities, but example {number} has none: "
            f"{line[:60]!a}. Score what t2t-mm-decoder writes, such as 'red; ring<tab>red=0.98; "
            "ring=0.91'."
        )
    return found or {}


def _f1(found: float, missed: float, wrong: float) -> float:
    return ratio(2 * found, 2 * found + missed + wrong, 100)
