"""Teacher-forced metrics: the model is given the true previous targets. Never to be called BLEU or
WER.

A metric is a name and a function of (logits, targets, mask) that returns a sum and a count, both
summed in float64; sums and counts of batches add up, and their quotient is the metric. Padding
(mask False) never counts.

Shapes: logits float [batch, time, classes], targets int32 [batch, time], mask bool [batch, time].
"""

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True)
class Metric:
    """A quantity averaged over tokens or examples."""

    name: str
    sums: Callable  # (logits, targets, mask) -> (sum, count), float64 scalars


def _log_perplexity(logits, targets, mask):
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, tf.cast(logits, tf.float32))
    return _sums(losses, mask)


def _accuracy(logits, targets, mask):
    return _sums(_right(logits, targets), mask)


def _accuracy_top5(logits, targets, mask):
    best = tf.math.top_k(logits, min(5, logits.shape[-1])).indices  # [batch, time, <= 5]
    return _sums(tf.reduce_any(best == targets[..., None], axis=-1), mask)


def _accuracy_per_sequence(logits, targets, mask):
    all_right = tf.reduce_all(_right(logits, targets) | ~mask, axis=1)
    return _sums(
        all_right, tf.reduce_any(mask, axis=1)
    )  # a row without a real target is no sequence


def _right(logits, targets):
    return tf.argmax(logits, axis=-1, output_type=targets.dtype) == targets


def _sums(values, mask):
    values = tf.where(mask, tf.cast(values, tf.float64), 0.0)
    return tf.reduce_sum(values), tf.reduce_sum(tf.cast(mask, tf.float64))


LOG_PERPLEXITY = Metric("log_perplexity", _log_perplexity)  # mean nats per token
ACCURACY = Metric("accuracy", _accuracy)  # share of tokens whose most likely value is right
ACCURACY_TOP5 = Metric(
    "accuracy_top5", _accuracy_top5
)  # share of tokens among the five most likely
ACCURACY_PER_SEQUENCE = Metric(
    "accuracy_per_sequence", _accuracy_per_sequence
)  # share of examples all right

METRICS = (LOG_PERPLEXITY, ACCURACY, ACCURACY_TOP5, ACCURACY_PER_SEQUENCE)


def metrics_for(problem):
    """The metrics that the kind of the problem's targets implies."""
    last = ACCURACY_TOP5 if problem.targets.kind == "categorical" else ACCURACY_PER_SEQUENCE
    return (LOG_PERPLEXITY, ACCURACY, last)
