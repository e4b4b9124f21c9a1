"""What real numbers are fitted by: losses of a prediction, in nats up to a constant.

Each takes what the net gives, float32 [..., numbers], and normalised targets, float32 [...,
values], and gives the loss of each value.
"""

import tensorflow as tf

# Of a predicted variance, so that one outlier can't blow up the loss.
LEAST_LOG, LARGEST_LOG = -10.0, 10.0


def l2(outputs: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Half the squared error: a Gaussian of one width."""
    return 0.5 * tf.square(outputs - targets)


def l1(outputs: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """The absolute error: a Laplace distribution of one width; outliers pull less."""
    return tf.abs(outputs - targets)


def gaussian(outputs: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """A Gaussian whose width is predicted too: means, then the logarithms of the variances."""
    mean, log_variance = tf.split(outputs, 2, axis=-1)
    log_variance = tf.clip_by_value(log_variance, LEAST_LOG, LARGEST_LOG)
    return 0.5 * (log_variance + tf.square(mean - targets) * tf.exp(-log_variance))


OBJECTIVES = {"l2": l2, "l1": l1, "gaussian": gaussian}
