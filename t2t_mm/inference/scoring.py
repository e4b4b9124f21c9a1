"""Log-probabilities of targets that are given, and the prefixes that outputs begin with."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm.errors import UserError
from t2t_mm.inference.inputs import MOST_POSITIONS, UNREADABLE, reason, stacked
from t2t_mm.problem.base import Problem


def token_log_probs(model: Any, problem: str, batch: dict[str, Any]) -> tf.Tensor:
    """In graph: the log-probability of each target position, given those before it.

    Args:
        model: a ProblemModel.
        problem: its name.
        batch: inputs, as for a call of the model, `targets` and `targets_mask`.

    Returns:
        float32 [batch, target length], 0 where the mask is false.
    """
    logits = model(batch, problem=problem, training=False)["logits"]  # [batch, length, pieces]
    own = tf.gather(tf.nn.log_softmax(logits), batch["targets"], batch_dims=2)
    return tf.where(batch["targets_mask"], own, 0.0)


def given(problem: Problem, value: Any) -> list[int]:
    """The ids of a target as a person gives it.

    Raises:
        UserError: if it is none; the message says why in a few words.
    """
    try:
        ids = problem.targets.given(problem.given_target(value))
    except UNREADABLE as error:
        raise UserError(reason(error)) from error
    if len(ids) > MOST_POSITIONS:
        raise UserError(f"a target of {len(ids):,} symbols, where {MOST_POSITIONS:,} are the most")
    return ids


def given_prefix(problem: Problem, value: Any, longest: int | None) -> list[int]:
    """The ids that an output is to begin with; none for None.

    Raises:
        UserError: if it is none, or leaves no room for more in an output of the `longest` symbols.
    """
    ids = [] if value is None else given(problem, value)[:-1]  # without its end
    if longest is not None and len(ids) >= longest:
        raise UserError(
            f"a prefix of {len(ids):,} symbols leaves no room in an output of {longest:,}"
        )
    return ids


def with_targets(batch: dict[str, Any], targets: Sequence[Sequence[int]]) -> dict[str, Any]:
    """A batch of inputs with their targets, for `token_log_probs`."""
    ids = [tf.constant(each, tf.int32) for each in targets]
    mask = stacked([tf.ones_like(each, tf.bool) for each in ids])
    return batch | {"targets": stacked(ids), "targets_mask": mask}


def with_prefixes(prefixes: Sequence[Sequence[int]]) -> dict[str, Any]:
    """What a batch needs for outputs to begin with given ids."""
    rows = [tf.constant(each, tf.int32, [len(each)]) for each in prefixes]
    return {"prefix": stacked(rows)}


def scored(problem: Problem, targets: Sequence[Sequence[int]], log_probs: np.ndarray) -> list[dict]:
    """What `Predictor.score` says of the rows of a batch; log_probs float [rows, length]."""
    results = []
    for ids, row in zip(targets, log_probs, strict=True):
        spec, own = problem.targets, [float(each) for each in row[: len(ids)]]
        pieces = spec.position_labels(ids) if spec.is_sequence else [spec.decode(ids)]
        log_prob = float(np.sum(row[: len(ids)], dtype=np.float64))
        results.append({"log_prob": log_prob, "tokens": list(zip(pieces, own, strict=True))})
    return results
