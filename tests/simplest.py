"""The simplest model that trains: for tests of what surrounds a model, since the MultiModel takes
ten seconds to compile."""

from typing import Any

from keras import ops

from t2t_mm import registry
from t2t_mm.layers.base import Layer
from t2t_mm.layers.convolution import apply_mask, dropout
from t2t_mm.layers.pointwise import pointwise
from t2t_mm.models.base import ProblemModel

NAME = "simplest"


def simplest() -> str:
    """The model's name. It is registered by being asked for, so that no other test meets it."""
    registry.register_model(NAME)(Simplest)
    return NAME


class Dense(Layer):
    """x + dropout(relu(x W)): [..., hidden] -> [..., hidden]."""

    def __init__(self, rate: float, seed: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate, self.seed = rate, seed

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1],) * 2)
        self.built = True

    def call(self, x: Any, mask: Any = None, training: bool = False) -> tuple:
        y = ops.relu(pointwise(x, self.kernel))
        return x + dropout(y, self.rate, self.seed, training), {}


class Simplest(ProblemModel):
    """A dense layer, the mean over the inputs, a dense layer."""

    def make_body(self) -> None:
        rate = self.hparams.dropout
        self.encoder, self.decoder = (
            Dense(rate, self.seed, name=name) for name in ("encoder", "decoder")
        )
        for layer in self.body_layers:
            layer.build((None, None, self.hparams.hidden_size))

    @property
    def body_layers(self) -> list:
        return [self.encoder, self.decoder]

    def body(
        self, previous: Any, mask: Any, encoding: Any, encoding_mask: Any, training: bool = False
    ) -> tuple:
        real = ops.sum(ops.cast(encoding_mask, encoding.dtype), axis=1)[:, None, None]
        mean = ops.sum(apply_mask(encoding, encoding_mask), axis=1, keepdims=True) / real
        return self.decoder(previous + mean, mask, training=training)
