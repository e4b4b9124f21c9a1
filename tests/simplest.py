"""The simplest model that trains: for tests of what surrounds a model, since the MultiModel takes
ten seconds to compile."""

from typing import Any

from keras import ops

from t2t_mm import registry
from t2t_mm.layers.base import Layer
from t2t_mm.layers.convolution import apply_mask, dropout
from t2t_mm.layers.pointwise import pointwise
from t2t_mm.models.base import ProblemModel
from t2t_mm.models.body import make_experts

NAME, SPARSE = "simplest", "simplest_sparse"


def simplest() -> str:
    """The model's name. It is registered by being asked for, so that no other test meets it."""
    registry.register_model(NAME)(Simplest)
    return NAME


def simplest_sparse() -> str:
    """As `simplest`, of the one with experts."""
    registry.register_model(SPARSE)(SimplestSparse)
    return SPARSE


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


class Mixed(Layer):
    """x + a mixture of experts."""

    def __init__(self, hparams: Any, seed: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.experts = make_experts(hparams, seed)

    def build(self, input_shape: Any) -> None:
        self.experts.build(input_shape)
        self.built = True

    def call(self, x: Any, mask: Any = None, training: bool = False) -> tuple:
        y, info = self.experts(x, mask, training=training)
        return x + y, {"decoder": info}


class SimplestSparse(Simplest):
    """A dense layer, the mean over the inputs, a mixture of experts."""

    def make_body(self) -> None:
        self.encoder = Dense(self.hparams.dropout, self.seed, name="encoder")
        self.decoder = Mixed(self.hparams, self.seed, name="decoder")
        for layer in self.body_layers:
            layer.build((None, None, self.hparams.hidden_size))

    @property
    def expert_places(self) -> list:
        return ["decoder"]
