"""Averages of weights: the exponential moving average of a run, and the mean of its last checkpoints."""

import contextlib

import numpy as np
import tensorflow as tf


class MovingAverage:
    """The exponential moving average of trainable weights (Polyak & Juditsky 1992): a <- d a + (1 - d) w after
    each update of w. Weights that a step does not train keep theirs.

    Args:
        variables: {name: keras Variable}.
        decay: d; the first updates take less, min(d, (1 + n) / (10 + n)) after n, so that the start is forgotten.
    """

    def __init__(self, variables, decay):
        self.decay = decay
        self.averages = {name: tf.Variable(v.value, trainable=False, name="average") for name, v in variables.items()}
        self._of = {id(v): self.averages[name] for name, v in variables.items()}
        self._variables = variables

    def update(self, variables, step):
        """Follows the new values of some of the variables; in graph. `step` counts the steps before."""
        step = tf.cast(step, tf.float32)
        rest = 1.0 - tf.minimum(self.decay, (1.0 + step) / (10.0 + step))
        for variable in variables:
            average = self._of[id(variable)]
            average.assign_add(tf.cast(rest, average.dtype) * (variable.value - average))

    @contextlib.contextmanager
    def in_use(self):
        """Puts the averages in the place of the weights, and the weights back at the end."""
        kept = {name: v.numpy() for name, v in self._variables.items()}
        try:
            for name, variable in self._variables.items():
                variable.assign(self.averages[name])
            yield
        finally:
            for name, variable in self._variables.items():
                variable.assign(kept[name])


def mean_of_checkpoints(paths) -> dict:
    """{name: array}: the mean of each weight of a model over several checkpoints, read one at a time.

    Args:
        paths: their path prefixes.
    """
    total = {}
    for path in paths:
        for name, value in model_weights(path).items():
            wide = value.astype(np.float64) if value.dtype.kind == "f" else value
            total[name] = total[name] + wide if name in total and value.dtype.kind == "f" else wide
    first = model_weights(paths[-1])
    return {name: (value / len(paths)).astype(first[name].dtype) if first[name].dtype.kind == "f" else first[name]
            for name, value in total.items()}


def model_weights(path, part="model") -> dict:
    """{name: array} of the weights of the model in a checkpoint, or of their moving averages (part="average"); names
    are those of `checkpoints.named_variables`."""
    reader = tf.train.load_checkpoint(path)
    prefix, suffix = f"{part}/", "/.ATTRIBUTES/VARIABLE_VALUE"
    names = [name for name in reader.get_variable_to_shape_map() if name.startswith(prefix) and name.endswith(suffix)]
    return {name[len(prefix) : -len(suffix)].replace(".S", "/"): reader.get_tensor(name) for name in names}
