"""Means over what is no padding."""

import tensorflow as tf


def mean(losses: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean over the values of each real position, and over these.

    Args:
        losses: float [batch, length, values].
        mask: bool [batch, length]; False positions cost nothing and get no gradient, whatever they
            hold.

    Returns:
        (mean, number of real positions): float32 scalars.
    """
    count = tf.reduce_sum(tf.cast(mask, tf.float32))
    real = tf.where(mask, tf.reduce_mean(losses, axis=-1), 0.0)  # [batch, length]
    return tf.reduce_sum(real) / tf.maximum(count, 1.0), count
