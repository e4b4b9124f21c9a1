"""Inputs as a person gives them, as batches of the model."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from t2t_mm.errors import UserError
from t2t_mm.problem.base import Problem

ROWS = 32  # most inputs in a batch
HYPOTHESES = 256  # most of them in a batch, of all its inputs, if it has several inputs
# Most positions of an input in the body: a longer one could take all memory, and the other inputs
# with it.
MOST_POSITIONS = 8192
# What reading an input raises if it can't be read: with a modality or a hook of the user's own,
# anything. The other inputs are answered.
UNREADABLE = Exception


class Encoded(NamedTuple):
    """An input that was read.

    Attributes:
        value: the tensor for the input net.
        source: its text as the data set would have it; None if it is not text.
    """

    value: tf.Tensor
    source: str | None


def listed(inputs: Any, beside: Any) -> tuple[list[Any], bool]:
    """The inputs of a call as a list, and whether it is of one input; None, as of a problem without
    inputs, is one, or as many as stand in a list `beside`."""
    if inputs is None and isinstance(beside, list | tuple):
        return [None] * len(beside), False
    one = not isinstance(inputs, list | tuple)
    return [inputs] if one else list(inputs), one


def encode(problem: Problem, value: Any, as_stored: bool = False) -> Encoded:
    """Reads an input as a person gives it, or, `as_stored`, as the data set has it.

    Raises:
        UserError: if it can't be read; the message says why in a few words.
    """
    try:
        raw = tf.convert_to_tensor(problem.inputs.read(value))
        raw = raw if as_stored else problem.preprocess(raw)
        encoded = problem.encode_inputs(raw)
    except UNREADABLE as error:
        raise UserError(reason(error)) from error
    if (positions := int(problem.inputs.positions(encoded))) > MOST_POSITIONS:
        raise UserError(f"{positions:,} positions long, where {MOST_POSITIONS:,} are the most")
    is_text = problem.inputs.is_text and raw.dtype == tf.string  # or already encoded
    return Encoded(encoded, raw.numpy().decode("utf-8") if is_text else None)


def reason(error: BaseException) -> str:
    """What an error says, on one line of at most 200 characters."""
    return " ".join(str(error).split())[:200]


def batched(
    order: Sequence[int], lengths: dict[int, int], budget: int, rows: int = ROWS
) -> Iterator[list[int]]:
    """Indices in `order`, shortest first, in batches of at most so many `rows`, and `budget`
    positions with the padding."""
    batch: list[int] = []
    for index in order:
        if batch and (len(batch) == rows or lengths[index] * (len(batch) + 1) > budget):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def padded(encoded: Sequence[tf.Tensor], masked: bool) -> dict[str, tf.Tensor]:
    """A batch of encoded inputs; where they are `masked`, padded to the longest, with the mask."""
    if not masked:
        return {"inputs": tf.stack(encoded)}
    longest = max(value.shape[0] for value in encoded)

    def pad(value: tf.Tensor) -> tf.Tensor:
        rest = [[0, 0]] * (value.shape.rank - 1)
        return tf.pad(value, [[0, longest - value.shape[0]], *rest])

    mask = np.arange(longest) < np.array([[value.shape[0]] for value in encoded])
    return {"inputs": tf.stack([pad(value) for value in encoded]), "inputs_mask": tf.constant(mask)}
