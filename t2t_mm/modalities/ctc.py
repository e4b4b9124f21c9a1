"""Connectionist temporal classification: a target aligned with the positions of a signal, from left
to right (Graves et al., 2006; beside an attention decoder: Kim et al., 2017, arXiv 1609.06773).

Of the logits [batch, positions, 1 + pieces] number 0 is the blank, and 1 + i is piece i.
"""

import tensorflow as tf


def loss(
    logits: tf.Tensor, valid: tf.Tensor, targets: tf.Tensor, mask: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Negative log likelihood of the targets over all alignments, in nats per token.

    Args:
        logits: float32 [batch, positions, 1 + pieces].
        valid: bool [batch, positions], true where the signal is real.
        targets: int32 [batch, length].
        mask: bool [batch, length], true where they are real.

    Returns:
        (mean over the tokens of the batch, number of examples left out): float32 scalars. What is
        left out, see `too_short`, costs nothing and gets no gradient.
    """
    left_out, lengths = too_short(valid, targets, mask), _count(mask)
    aligned = ~left_out & (lengths > 0)
    # Where nothing can be aligned, the likelihood of no piece at all stands in: it is finite.
    nats = tf.nn.ctc_loss(
        labels=tf.where(mask & aligned[:, None], targets + 1, 0),
        logits=logits,
        label_length=tf.where(aligned, lengths, 0),
        logit_length=tf.maximum(_count(valid), 1),
        logits_time_major=False,
        blank_index=0,
    )  # [batch]
    total = tf.reduce_sum(tf.where(aligned, nats, 0.0))
    tokens = tf.maximum(tf.reduce_sum(tf.cast(mask, tf.float32)), 1.0)
    return total / tokens, tf.reduce_sum(tf.cast(left_out, tf.float32))


def too_short(valid: tf.Tensor, targets: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Whether a signal has fewer positions than its target needs, one for each piece and one
    between two that are equal: bool [batch]. Arguments as of `loss`."""
    repeated = mask[:, 1:] & mask[:, :-1] & (targets[:, 1:] == targets[:, :-1])
    return _count(valid) < _count(mask) + _count(repeated)


def best(logits: tf.Tensor, valid: tf.Tensor) -> tf.RaggedTensor:
    """The pieces of the likeliest class at each position, runs as one and without blanks: int32
    [batch, pieces], ragged."""
    classes = tf.argmax(logits, axis=-1, output_type=tf.int32)  # [batch, positions]
    before = tf.pad(classes[:, :-1], [[0, 0], [1, 0]])  # begins with a blank
    is_new = valid & (classes != before) & (classes > 0)
    return tf.ragged.boolean_mask(classes - 1, is_new)


def _count(real):
    return tf.reduce_sum(tf.cast(real, tf.int32), axis=1)  # [batch]
