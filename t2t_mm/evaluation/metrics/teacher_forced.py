"""Teacher-forced metrics: the model is given the true previous targets. Never to be called BLEU or
WER.

Such a metric gives, for a batch, a sum and a count (or more sums), in float64; those of all batches
add up, and the sum over the count is the mean over the tokens or examples of the split. Padding
(mask False) never counts. Nothing here imports TensorFlow before a batch is measured.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from t2t_mm import registry
from t2t_mm.evaluation.metrics.exact import ExactMatch
from t2t_mm.evaluation.metrics.scoring import Metric, ratio


class TeacherForced(Metric):
    """A metric of the model's predictions; its mean times `scale` is the figure to be shown.

    Class attributes:
        of_alignment: whether it measures the CTC head; see `metrics.ctc`.
    """

    is_of_text = False
    of_alignment: ClassVar[bool] = False

    def sums(self, logits: Any, targets: Any, mask: Any) -> tuple[Any, ...]:
        """What a batch adds to the figure.

        Args:
            logits, targets: as `Modality.measured` gives them, [batch, length, classes] and int32
                [batch, length]; or both [batch, 1, values].
            mask: bool [batch, length], False for padding.

        Returns:
            (sum, count): float64 scalars; or other tensors of one shape that add up, of which
            `value` gets all numbers.
        """
        raise NotImplementedError

    def measuring(self, targets: Any) -> "TeacherForced":
        """The metric as it measures targets of this spec."""
        return self

    def width(self, targets: Any) -> int:
        """How many numbers `sums` gives, for targets of this spec."""
        return 2

    def value(self, sums: np.ndarray) -> float:
        return ratio(sums[0], sums[1], self.scale)


def metrics_of(problem: Any, names: Iterable[str]) -> list[TeacherForced]:
    """The metrics of these names, as they measure the targets of a problem."""
    return [registry.metric(name).measuring(problem.targets) for name in names]


@registry.register_metric
class LogPerplexity(TeacherForced):
    """Mean negative log likelihood of a target token, in nats."""

    scale, unit = 1, ""
    higher_is_better = False

    def sums(self, logits: Any, targets: Any, mask: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        logits = tf.cast(logits, tf.float32)
        return masked_sums(tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits), mask)


@registry.register_metric
class Accuracy(TeacherForced, ExactMatch):
    """Share of right target tokens, given those before; of classes, share of right answers.

    In decoded text a class is its label or its number. What stands behind a tab, a probability,
    doesn't count.
    """

    is_of_text = True

    def sums(self, logits: Any, targets: Any, mask: Any) -> tuple[Any, Any]:
        return masked_sums(_is_right(logits, targets), mask)

    def counts(self, hypotheses: Any, references: Any) -> Any:
        return super().counts([hypothesis.split("\t")[0] for hypothesis in hypotheses], references)


@registry.register_metric
class AccuracyTop5(TeacherForced):
    """Share of target tokens, or of classes, that are among the five most likely."""

    def sums(self, logits: Any, targets: Any, mask: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        best = tf.math.top_k(logits, min(5, logits.shape[-1])).indices  # [batch, length, <= 5]
        return masked_sums(tf.reduce_any(best == targets[..., None], axis=-1), mask)


@registry.register_metric
class AccuracyPerSequence(TeacherForced):
    """Share of sequences all of whose target tokens are right, given those before."""

    def sums(self, logits: Any, targets: Any, mask: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        all_right = tf.reduce_all(_is_right(logits, targets) | ~mask, axis=1)
        # a row without a real target is no sequence
        return masked_sums(all_right, tf.reduce_any(mask, axis=1))


def _is_right(logits: Any, targets: Any) -> Any:
    import tensorflow as tf

    return tf.argmax(logits, axis=-1, output_type=targets.dtype) == targets


def masked_sums(values: Any, mask: Any) -> tuple[Any, Any]:
    """(sum, count) of values [...] where the mask, [...], is true: float64 scalars."""
    import tensorflow as tf

    values = tf.where(mask, tf.cast(values, tf.float64), 0.0)
    return tf.reduce_sum(values), tf.reduce_sum(tf.cast(mask, tf.float64))
