"""Inputs as a person gives them, as batches of the model."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

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
        value: the tensor for the input net; of several inputs, as `Several.encode` gives them.
        source: its text as the data set would have it; None if it is not text.
    """

    value: Any
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
        raw = tensors_of(problem.inputs.read(value))
        raw = raw if as_stored else problem.preprocess(raw)
        encoded = problem.encode_inputs(raw)
    except UNREADABLE as error:
        raise UserError(reason(error)) from error
    if (positions := int(problem.inputs.positions(encoded))) > MOST_POSITIONS:
        raise UserError(f"{positions:,} positions long, where {MOST_POSITIONS:,} are the most")
    # or already encoded
    is_text = problem.inputs.is_text and raw.dtype == tf.string
    return Encoded(encoded, raw.numpy().decode("utf-8") if is_text else None)


def tensors_of(raw: Any) -> Any:
    """A raw input, or each of several, as a tensor."""
    if isinstance(raw, dict):
        return {name: tf.convert_to_tensor(value) for name, value in raw.items()}
    return tf.convert_to_tensor(raw)


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


def batch_of(problem: Problem, encoded: Sequence[Any]) -> dict[str, tf.Tensor]:
    """A batch of encoded inputs."""
    rows = [problem.inputs.in_batch(value) for value in encoded]
    return {key: stacked([row[key] for row in rows]) for key in rows[0]}


def stacked(values: Sequence[tf.Tensor]) -> tf.Tensor:
    """Tensors as one, each padded to the longest."""
    longest = max(value.shape[0] for value in values)

    def pad(value: tf.Tensor) -> tf.Tensor:
        rest = [[0, 0]] * (value.shape.rank - 1)
        return tf.pad(value, [[0, longest - value.shape[0]], *rest])

    return tf.stack([pad(value) for value in values])
