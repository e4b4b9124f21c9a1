"""The training loss: label-smoothed cross-entropy over the real positions of the targets."""

import tensorflow as tf

from t2t_mm import compat


def cross_entropy(
    logits: tf.Tensor, targets: tf.Tensor, mask: tf.Tensor, smoothing: float = 0.0
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Mean cross-entropy over real target positions, in nats per token.

    With smoothing s the wanted distribution is 1 - s on the target and s spread evenly over all V
    entries.

    Args:
        logits: float [batch, time, V]; the arithmetic is done in float32.
        targets: int32 [batch, time].
        mask: bool [batch, time]; False positions cost nothing and get no gradient.
        smoothing: s, a Python float in [0, 1).

    Returns:
        (objective, nats, tokens): float32 scalars. The smoothed mean, which is differentiable; the
        plain mean, which is for reporting alone; and the number of real positions.
    """
    classes = logits.shape[-1]
    logits = tf.cast(tf.reshape(logits, [-1, classes]), tf.float32)  # [N, V], N = batch * time
    targets = tf.reshape(targets, [-1])  # [N]
    weights = tf.cast(tf.reshape(mask, [-1]), tf.float32)  # [N]
    tokens = tf.reduce_sum(weights)
    weights /= tf.maximum(tokens, 1.0)
    smoothed, plain = _smoothed_cross_entropy(logits, targets, smoothing)  # [N], [N]
    # where, not a product alone: a padded position may hold anything, even an infinite loss.
    mean = lambda losses: tf.reduce_sum(tf.where(weights > 0, losses, 0.0) * weights)  # noqa: E731
    return mean(smoothed), tf.stop_gradient(mean(plain)), tokens


def _smoothed_cross_entropy(logits, targets, smoothing):
    """Smoothed and plain cross-entropy of each row: two [N] from logits [N, V].

    loss = logsumexp(z) - (1 - s) z_target - s mean(z). One kernel gives logsumexp(z) - z_target
    together with softmax(z) - onehot(target); smoothing then only corrects both, so that nothing
    else of size [N, V] is made on the way forward, and two passes suffice on the way back. With V =
    8192 the loss would otherwise cost as much time as several convolution blocks.
    """
    classes = logits.shape[-1]

    @tf.custom_gradient
    def losses(logits):
        if compat.is_deterministic():  # GPUs have no such kernel then
            wanted = tf.one_hot(targets, classes, dtype=logits.dtype)
            plain = tf.reduce_logsumexp(logits, axis=-1) - tf.reduce_sum(wanted * logits, axis=-1)
            gradient = tf.nn.softmax(logits) - wanted
        else:
            plain, gradient = tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(
                features=logits, labels=targets
            )
        smoothed = plain
        if smoothing:
            wanted = tf.gather(logits, targets, batch_dims=1)  # [N]
            smoothed = plain + smoothing * (wanted - tf.reduce_mean(logits, axis=-1))

        def backward(upstream, _):
            result = gradient * upstream[:, None]
            if smoothing:
                rows = tf.stack([tf.range(tf.size(targets), dtype=targets.dtype), targets], axis=1)
                result -= (smoothing / classes) * upstream[:, None]
                result = tf.tensor_scatter_nd_add(result, rows, smoothing * upstream)
            return result

        return (smoothed, plain), backward

    return losses(logits)
