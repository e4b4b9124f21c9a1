"""Command tokens: the learned token that names an output space."""

import re
from typing import Any

import keras
from keras import ops

from t2t_mm.layers import kernels
from t2t_mm.layers.base import Layer


class CommandToken(Layer):
    """The learned first token of the decoder: names an output space, such as "to-german" (paper).

    Args:
        hidden_size: channels of the body.
    """

    def __init__(self, hidden_size: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.hidden_size = hidden_size

    def build(self, input_shape: Any = None) -> None:
        self.token = self.add_weight(
            name="token",
            shape=(self.hidden_size,),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
        )
        self.built = True

    def prepend(self, x: Any) -> Any:
        """[batch, length, hidden] -> [batch, 1 + length, hidden]."""
        token = ops.cast(self.token, x.dtype)[None, None, :]
        token = ops.broadcast_to(token, (kernels.size(x, 0), 1, self.hidden_size))
        return ops.concatenate([token, x], axis=1)


def with_command(mask: Any) -> Any:
    """The mask of a sequence behind a command token: [batch, length] -> [batch, 1 + length]; a row
    of padding alone has no command."""
    mask = ops.cast(mask, "bool")
    return ops.concatenate([ops.any(mask, axis=1, keepdims=True), mask], axis=1)


def layer_name(command: str) -> str:
    """An output space as the name of a layer, with "_" for what TensorFlow takes in none."""
    return re.sub(r"[^A-Za-z0-9_.]", "_", command)
