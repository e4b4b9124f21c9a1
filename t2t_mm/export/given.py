"""In graph: what clients send beside the inputs: targets to score, and prefixes of outputs."""

from typing import Any

import tensorflow as tf

from t2t_mm.inference.inputs import MOST_POSITIONS
from t2t_mm.inference.scoring import token_log_probs
from t2t_mm.modalities.base import NO_SCORE
from t2t_mm.modalities.language.vocabulary import EOS, PAD
from t2t_mm.problem.base import Problem


def scores(
    model: Any, problem: Problem, batch: dict[str, tf.Tensor], is_good: tf.Tensor, texts: tf.Tensor
) -> dict[str, tf.Tensor]:
    """The outputs of a signature that scores targets.

    Args:
        model: a ProblemModel.
        problem: resolved.
        batch, is_good: of the inputs, from `reading.read`.
        texts: strings [batch], targets as the data set has them, or names of classes.

    Returns:
        {"log_probs": float32 [batch]; NO_SCORE where the input or the target can't be read,
        "token_log_probs": float32 [batch, length], 0 behind the end, "pieces": strings [batch,
        length], "" there}.
    """
    ids = problem.targets.given_in_graph(texts)  # ragged [batch, length]
    lengths = tf.cast(ids.row_lengths(), tf.int32)
    is_good &= (lengths > 0) & (lengths <= MOST_POSITIONS)
    # what can't be scored stands as a target that is empty
    lengths = tf.where(is_good, lengths, 1)
    length = tf.reduce_max(lengths)
    padded = tf.pad(ids.to_tensor(EOS), [[0, 0], [0, 1]], constant_values=EOS)[:, :length]
    targets = tf.where(is_good[:, None], padded, EOS)  # [batch, length]
    mask = tf.sequence_mask(lengths, length)
    found = token_log_probs(model, problem.name, batch | {"targets": targets, "targets_mask": mask})
    total = tf.reduce_sum(found, axis=1)
    is_good &= tf.math.is_finite(total)
    shown = mask & is_good[:, None]
    return {
        "log_probs": tf.where(is_good, total, NO_SCORE),
        "token_log_probs": tf.where(shown, found, 0.0),
        "pieces": tf.where(shown, tf.gather(tf.constant(problem.targets.pieces()), targets), ""),
    }


def prefixes(
    problem: Problem, texts: tf.Tensor, longest: int | None
) -> tuple[tf.Tensor, tf.Tensor]:
    """(int32 [batch, length], what outputs begin with; bool [batch], whether it could be read and
    leaves room for more) of strings [batch]."""
    ids = problem.targets.given_in_graph(texts)
    lengths = tf.cast(ids.row_lengths(), tf.int32)  # with the end of sequence
    is_good = (lengths > 0) & (lengths <= (longest or MOST_POSITIONS))
    kept = tf.where(is_good, lengths - 1, 0)
    length = tf.reduce_max(kept)
    padded = ids.to_tensor(PAD)[:, :length]
    return tf.where(tf.sequence_mask(kept, length), padded, PAD), is_good
