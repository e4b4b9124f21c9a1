"""The largest batch of a problem, as shapes alone."""

from typing import Any

import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.data.pipeline.cost import boundaries, limit
from t2t_mm.problem.base import Problem


def largest_batch(problem: Problem, hparams: HParams) -> dict[str, tf.TensorSpec]:
    """The training batch of the longest examples that `hparams` allow, which takes the most memory:
    attention grows with the square of the length. As data.pipeline.batching has it.

    Args:
        problem: resolved, or as `expected`.
        hparams: of the run.
    """
    inputs, targets = problem.inputs, problem.targets
    rows = max(1, hparams.batch_size // int(boundaries(hparams, limit(problem, hparams))[-1]))
    positions = inputs.fixed_positions() + (hparams.max_input_length if inputs.masked else 0)
    lengths = inputs.static_lengths(positions)
    length = hparams.max_target_length if targets.is_sequence else 1
    batch = {"targets_mask": tf.TensorSpec([rows, length], tf.bool)}
    batch["targets"] = _spec(targets.encoded(), rows, length)
    for field, spec in inputs.fields.items():
        key = f"inputs/{field}" if field else "inputs"
        batch[key] = _spec(spec.encoded(), rows, lengths[key])
        if spec.masked:
            batch[f"{key}_mask"] = tf.TensorSpec([rows, lengths[key]], tf.bool)
        elif field:
            batch[f"{key}_mask"] = tf.TensorSpec([rows, 1], tf.bool)
    return batch


def expected(problem: Problem) -> Problem:
    """The problem with the sizes that are wanted, where its data is not prepared."""
    return problem.with_sides(problem.inputs.expected(), problem.targets.expected())


def _spec(encoded: Any, rows: int, length: int) -> tf.TensorSpec:
    shape = [length if size is None else size for size in encoded.shape]
    return tf.TensorSpec([rows, *shape], encoded.dtype)
