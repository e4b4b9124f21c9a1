"""A modality of one's own: levels at several gauges over time."""

import dataclasses
from typing import ClassVar

import keras
from keras import ops

from t2t_mm import registry
from t2t_mm.modalities.base import Modality
from t2t_mm.modalities.net import ModalityNet


@registry.register_modality
@dataclasses.dataclass(frozen=True)
class Gauges(Modality):
    """Raw: numbers [time, channels]. Encoded: float32 [time, channels], as they are."""

    rank: ClassVar[int] = 2
    channels: int = 2

    def net(self, hparams):
        return GaugesNet(self, hparams)

    def encode(self, value, training=False, seed=None):
        import tensorflow as tf

        return tf.ensure_shape(tf.cast(value, tf.float32), [None, self.channels])

    def sample(self):
        import numpy as np

        return self.sent(np.zeros([16, self.channels], np.float32))


@keras.saving.register_keras_serializable("mine")
class GaugesNet(ModalityNet):
    """Two stock layers of Keras."""

    def __init__(self, spec, hparams, **kwargs):
        super().__init__(**kwargs)
        self.channels = spec.channels
        self.wide = keras.layers.Dense(2 * hparams.hidden_size, activation="relu", name="wide")
        self.narrow = keras.layers.Dense(hparams.hidden_size, name="narrow")

    def build_bottom(self):
        if not self.built:
            self.wide.build((None, None, self.channels))
            self.narrow.build((None, None, self.wide.units))
            self.built = True

    def bottom(self, levels, mask, training=False):
        x = self.narrow(self.wide(ops.cast(levels, self.compute_dtype)))
        return x, mask, None
