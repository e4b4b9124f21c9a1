"""What an example costs: which bucket it belongs to, and whether training takes it."""

from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.problem.base import Problem

FIRST_BOUNDARY = 4


def cost(problem: Problem, positions: Any, length: Any) -> Any:
    """What an example costs, in target tokens (works on integers, arrays and tensors).

    A decoder position works about twice as hard as an encoder position, but sound and pictures have
    their nets to pay for too (`Modality.reading_cost`). A target that is no sequence has no
    previous outputs, so the body reads the inputs in their place.

    Args:
        problem: says what its sides are.
        positions: body positions of the inputs.
        length: length of the targets.
    """
    halves = problem.inputs.reading_cost
    if not problem.targets.is_sequence:
        return -(-positions * max(2, halves) // 2)
    read = -(-positions * halves // 2)
    return tf.maximum(length, read) if tf.is_tensor(length) else np.maximum(length, read)


def fits(problem: Problem, hparams: HParams, positions: Any, length: Any) -> Any:
    """Whether an example is within the limits of training; a picture, always of one size, has
    none."""
    limited = positions - problem.inputs.fixed_positions()
    return (length <= hparams.max_target_length) & (limited <= hparams.max_input_length)


def boundaries(hparams: HParams, limit: int) -> np.ndarray:
    """Largest cost in each bucket: 4, then `bucket_growth` times more and at least 1, up to
    `limit`."""
    edges = [FIRST_BOUNDARY]
    while edges[-1] < limit:
        edges.append(max(edges[-1] + 1, int(edges[-1] * hparams.bucket_growth)))
    return np.array(edges, np.int64)


def limit(problem: Problem, hparams: HParams) -> int:
    """The largest cost that an example of training can have."""
    longest = hparams.max_input_length if problem.inputs.masked else 0
    positions = problem.inputs.fixed_positions() + longest
    return int(cost(problem, positions, hparams.max_target_length))
