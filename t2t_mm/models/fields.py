"""Several inputs of one problem, as one sequence for the body."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from t2t_mm.layers import kernels
from t2t_mm.layers.base import Layer


class FieldMarker(Layer):
    """The learned vector that says which of several inputs a position belongs to.

    Args:
        hidden_size: channels of the body.

    Call arguments: x [batch, length, hidden].

    Returns:
        [batch, length, hidden].
    """

    def __init__(self, hidden_size: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.hidden_size = hidden_size

    def build(self, input_shape: Any = None) -> None:
        self.marker = self.add_weight(
            name="marker",
            shape=(self.hidden_size,),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
        )
        self.built = True

    def call(self, x: Any) -> Any:
        return x + ops.cast(self.marker, x.dtype)


def read_inputs(model: Any, sides: Any, batch: dict[str, Any], training: bool) -> tuple:
    """What the nets of a problem's inputs give.

    Args:
        model: a ProblemModel.
        sides, batch, training: the problem, and as for a call of the model.

    Returns:
        ([batch, length, hidden], mask [batch, length], grid of a single picture or None).
    """
    parts, masks = [], []
    for field, spec in sides.inputs.fields.items():
        net, key = spec.net_name(), f"inputs/{field}" if field else "inputs"
        given = batch.get(f"{key}_mask")
        x, mask, grid = model.run(
            f"{net}_bottom",
            model.nets[net].bottom,
            batch[key],
            given if spec.masked else None,
            training=training,
        )
        if not field:
            return x, mask, grid
        parts.append(model.markers[field](x))
        masks.append(mask if spec.masked else mask & given)
    return *model.run("joined", joined, parts, masks), None


def joined(parts: Sequence[Any], masks: Sequence[Any]) -> tuple[Any, Any]:
    """Sequences one behind the other: in each row real positions come first, so that it doesn't
    depend on how far a batch was padded.

    Args:
        parts: [batch, length, hidden] each.
        masks: bool [batch, length] each.

    Returns:
        ([batch, sum of lengths, hidden], bool [batch, sum of lengths]).
    """
    x, mask = ops.concatenate(parts, axis=1), ops.concatenate(masks, axis=1)
    length = kernels.size(mask, 1)
    place = ops.arange(length)[None]
    order = ops.argsort(ops.where(mask, place, place + length), axis=1)  # [batch, length]
    return (
        ops.take_along_axis(x, order[:, :, None], axis=1),
        ops.take_along_axis(mask, order, axis=1),
    )
