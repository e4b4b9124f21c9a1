"""The exponential moving average of the weights of a run."""

import contextlib
from collections.abc import Iterable, Iterator

import keras
import numpy as np
import tensorflow as tf

from t2t_mm.execution.exchange import in_each_replica
from t2t_mm.layers.shares import hold, holders


class MovingAverage:
    """The exponential moving average of trainable weights (Polyak & Juditsky 1992): a <- d a + (1 -
    d) w after each update of w. Weights that a step does not train keep theirs.

    Args:
        variables: {name: keras Variable}.
        decay: d; a weight's first updates take less, min(d, (1 + n) / (10 + n)) after n of its own,
            so that its start is forgotten, also in the net of a problem that is seldom trained.

    Attributes:
        averages: {name: tf.Variable}.
        counts: float32 [weights], updates of each.
    """

    def __init__(self, variables: dict[str, keras.Variable], decay: float):
        self.decay = decay
        self.averages = {
            name: hold(tf.Variable(v.value, trainable=False, name="average"), holders(v))
            for name, v in variables.items()
        }
        self.counts = tf.Variable(tf.zeros([len(variables)]), trainable=False, name="counts")
        self._index = {id(v): index for index, v in enumerate(variables.values())}
        self._variables = variables
        self.restart()  # an average is made of the first replica's weight

    def update(self, variables: Iterable[keras.Variable]) -> None:
        """Follows the new values of some of the variables; in graph."""
        averages, index = (
            list(self.averages.values()),
            [self._index[id(variable)] for variable in variables],
        )
        count = tf.gather(self.counts, index)
        rest = tf.unstack(1.0 - tf.minimum(self.decay, (1.0 + count) / (10.0 + count)))
        for variable, place, share in zip(variables, index, rest, strict=True):
            in_each_replica(averages[place], _follow, variable.value, share)
        self.counts.assign_add(np.isin(np.arange(len(averages)), index).astype("float32"))

    def restart(self) -> None:
        """Starts again from the weights, after they were given other values."""
        for name, variable in self._variables.items():
            in_each_replica(self.averages[name], _copy, variable.value)
        self.counts.assign(tf.zeros_like(self.counts))

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Puts the averages in the place of the weights, and the weights back at the end."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def _exchange(self):
        for name, variable in self._variables.items():
            in_each_replica(self.averages[name], _exchange, variable.value)


def _follow(average, weight, share):
    average.assign_add(tf.cast(share, average.dtype) * (weight - average))


def _copy(average, weight):
    average.assign(weight)


def _exchange(average, weight):
    value = tf.identity(weight)
    weight.assign(average)
    average.assign(value)
