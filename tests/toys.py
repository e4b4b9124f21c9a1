"""Problems without files: numbers to numbers, numbers to a class. Small enough to train in a
test."""

import copy

import numpy as np

from t2t_mm.config.hparams import HParams
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.language.spec import Language
from t2t_mm.modalities.multi_label.spec import MultiLabel
from t2t_mm.modalities.real.spec import Real
from t2t_mm.problem.base import Problem
from t2t_mm.reporting.console import Silent

SMALL = HParams(  # a model that is trained in seconds
    hidden_size=16,
    num_heads=2,
    encoder_blocks=1,
    mixer_blocks=1,
    decoder_blocks=1,
    moe_experts=4,
    moe_k=2,
    moe_hidden=16,
    batch_size=256,
    image_size=64,
)
TINY = SMALL.replace(  # Adam, whose steps the tests can foresee
    optimizer="adam",
    batch_size=64,
    image_size=0,
    dropout=0.0,
    warmup_steps=5,
    learning_rate=3e-3,
    label_smoothing=0.1,
)


class Toy(Problem):
    """Sequences of numbers to themselves; already resolved."""

    command = "to-numbers"
    inputs = Language(vocab="numbers", size=12)
    targets = Language(vocab="numbers", size=12)

    def __init__(self, name="toy_copy", examples=None):
        self.name = name
        self.sizes = examples or {"train": 200, "validation": 30}

    def splits(self):
        return dict(self.sizes)

    def examples(self, split, *, shuffle_seed=None, sides=("inputs", "targets")):
        import tensorflow as tf

        random = np.random.default_rng(len(split))
        lengths = random.integers(3, 9, self.splits()[split])
        rows = tf.ragged.constant([random.integers(3, 12, n).tolist() for n in lengths], tf.int32)
        data = tf.data.Dataset.from_tensor_slices(rows)
        return data.map(lambda row: dict.fromkeys(sides, row))

    def encode_inputs(self, value, training=False, seed=None):
        return value

    def encode_targets(self, value, training=False, seed=None):
        return value

    def renamed(self, name):
        other = copy.copy(self)
        other.name = name
        return other


class ToyClass(Toy):
    """Sequences of numbers to the first of them."""

    command = "to-first"
    targets = Categorical(
        labels="first", num_classes=14
    )  # unlike the vocabulary, so that nothing shared may count on a size

    def encode_targets(self, value, training=False, seed=None):
        return value[:1]


class ToySet(Toy):
    """Sequences of numbers to the set of them."""

    command = "to-set"
    targets = MultiLabel(labels="numbers", num_classes=12)

    def encode_targets(self, value, training=False, seed=None):
        return self.targets.encode(value)


class ToyMean(Toy):
    """Sequences of numbers to their mean."""

    command = "to-mean"
    targets = Real(quantity="mean", mean=(7.0,), deviation=(1.5,))

    def encode_targets(self, value, training=False, seed=None):
        import tensorflow as tf

        return self.targets.encode(tf.reduce_mean(tf.cast(value, tf.float64)))


class Logged(Silent):
    """A console that keeps what is logged, in `lines`."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def log(self, text=""):
        self.lines.append(text)


def without_work(trainer):
    """The trainer, whose steps leave the model as it is: nothing is compiled."""
    values = {"loss": 1.0, "nats": 1.0, "tokens": 9.0, "gradient_norm": 0.1, "finite": True}
    trainer._train_step = lambda problem, batch, rate: values | {"experts": {}}
    return trainer
