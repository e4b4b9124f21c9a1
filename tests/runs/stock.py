"""A problem whose net is made of Keras' own layers, as a user may write it."""

import dataclasses

import keras

from t2t_mm.modalities.language.spec import Language
from t2t_mm.modalities.net import ModalityNet
from tests.toys import Toy


class StockNet(ModalityNet):
    """An embedding and a dense layer, which both keep their weights in private attributes."""

    def __init__(self, spec, hparams, **kwargs):
        super().__init__(**kwargs)
        self.embedding = keras.layers.Embedding(spec.size, hparams.hidden_size)
        self.embedding.build()
        self.classes = keras.layers.Dense(spec.size)
        self.classes.build((None, None, hparams.hidden_size))

    def build_bottom(self):
        """Both sides are there from the start."""

    build_top = build_bottom

    def bottom_variables(self):
        return self.embedding.trainable_variables

    def embed(self, targets):
        return self.embedding(targets)

    def bottom(self, inputs, mask, training=False):
        return self.embedding(inputs), mask, None

    def top(self, hidden, mask, grid, training=False):
        return keras.ops.cast(self.classes(hidden), "float32")


@dataclasses.dataclass(frozen=True)
class StockLanguage(Language):
    """Numbers, read and written by a StockNet."""

    def net_name(self):
        return f"stock_{self.vocab}"

    def net(self, hparams):
        return StockNet(self, hparams)


class Stock(Toy):
    """Sequences of numbers to themselves, each problem with a net of its own."""

    def __init__(self, name="toy_stock"):
        super().__init__(name)
        self.inputs = self.targets = StockLanguage(vocab=name, size=12)
