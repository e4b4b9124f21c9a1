"""Averages of weights: the exponential moving average of a run, and the mean of several of its
checkpoints."""

import collections
import contextlib

import numpy as np
import tensorflow as tf


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

    def __init__(self, variables, decay):
        self.decay = decay
        self.averages = {
            name: tf.Variable(v.value, trainable=False, name="average")
            for name, v in variables.items()
        }
        self.counts = tf.Variable(tf.zeros([len(variables)]), trainable=False, name="counts")
        self._index = {id(v): index for index, v in enumerate(variables.values())}
        self._variables = variables

    def update(self, variables):
        """Follows the new values of some of the variables; in graph."""
        averages, index = (
            list(self.averages.values()),
            [self._index[id(variable)] for variable in variables],
        )
        count = tf.gather(self.counts, index)
        rest = tf.unstack(1.0 - tf.minimum(self.decay, (1.0 + count) / (10.0 + count)))
        for variable, place, share in zip(variables, index, rest, strict=True):
            averages[place].assign_add(
                tf.cast(share, averages[place].dtype) * (variable.value - averages[place])
            )
        self.counts.assign_add(np.isin(np.arange(len(averages)), index).astype("float32"))

    def restart(self):
        """Forgets what was, after the weights were given other values."""
        for name, variable in self._variables.items():
            self.averages[name].assign(variable.value)
        self.counts.assign(tf.zeros_like(self.counts))

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


def write_mean(paths, directory) -> str:
    """Writes a checkpoint with the mean of each weight over several checkpoints of one run, read
    one at a time; what is no weight (optimizer, step) is that of the last.

    Args:
        paths: path prefixes of the checkpoints, oldest first.
        directory: where the checkpoint goes.

    Returns:
        Its path prefix.
    """
    is_weight = lambda key, value: key[0] in ("model", "average") and value.dtype.kind == "f"  # noqa: E731
    parts, total, count = (
        {},
        {},
        collections.Counter(),
    )  # a net that came later is in the later ones alone
    for path in paths:
        for key, value in _tensors(path).items():
            if is_weight(key, value):
                total[key] = total.get(key, 0.0) + value.astype(np.float64)
                count[key] += 1
    for (part, name), value in _tensors(paths[-1]).items():
        if is_weight((part, name), value):
            value = (total[part, name] / count[part, name]).astype(value.dtype)
        parts.setdefault(part, {})[name] = tf.Variable(value)
    step = parts.pop("step")[""]
    checkpoint = tf.train.Checkpoint(**parts, step=step)
    return tf.train.CheckpointManager(checkpoint, str(directory), max_to_keep=1).save(int(step))


def model_weights(path, part="model") -> dict:
    """{name: array} of the weights of the model in a checkpoint, or of their moving averages
    (part="average"); names are those of `checkpoints.named_variables`."""
    return {name: value for (_, name), value in _tensors(path, f"{part}/").items()}


def _tensors(path, prefix=""):
    """{(part, name): array} of a checkpoint's tensors whose key starts like this; the step has no
    name."""
    reader, suffix = tf.train.load_checkpoint(path), "/.ATTRIBUTES/VARIABLE_VALUE"
    keys = [
        key
        for key in reader.get_variable_to_shape_map()
        if key.startswith(prefix) and key.endswith(suffix)
    ]
    named = {key: key.removesuffix(suffix).replace(".S", "/").partition("/") for key in keys}
    return {
        (part, name): reader.get_tensor(key)
        for key, (part, _, name) in named.items()
        if part != "save_counter"
    }
