"""The loss of a set of labels: cross-entropy of each, present or absent, behind a sigmoid."""

from collections.abc import Sequence

import tensorflow as tf

from t2t_mm.modalities import masked


def sigmoid_cross_entropy(
    logits: tf.Tensor,
    targets: tf.Tensor,
    mask: tf.Tensor,
    weights: Sequence[float] = (),
    smoothing: float = 0.0,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Mean cross-entropy of a label, in nats.

    With smoothing s a label that is present is wanted with 1 - s/2, one that is absent with s/2.

    Args:
        logits: float [batch, 1, labels]; the arithmetic is done in float32.
        targets: float [batch, 1, labels], 1 where present and 0 where absent.
        mask: bool [batch, 1]; False rows cost nothing and get no gradient.
        weights: how much each label counts where it is present; () for 1 each.
        smoothing: s, in [0, 1).

    Returns:
        (objective, nats, examples): float32 scalars. The weighted and smoothed mean, which is
        differentiable; the plain mean, which is for reporting alone; and the number of real rows.
    """
    logits = tf.cast(logits, tf.float32)
    wanted = targets * (1 - smoothing) + smoothing / 2
    weighted = tf.nn.weighted_cross_entropy_with_logits(
        wanted, logits, tf.constant(weights or 1.0, tf.float32)
    )
    plain = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)
    objective, examples = masked.mean(weighted, mask)
    return objective, tf.stop_gradient(masked.mean(plain, mask)[0]), examples
