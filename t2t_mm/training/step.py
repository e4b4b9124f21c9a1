"""One train step: loss, gradients of the problem's path, clipping, update; and one evaluation step."""

import itertools
import random

import numpy as np
import tensorflow as tf

from t2t_mm.training.compiled import CompiledPart
from t2t_mm.training.loss import cross_entropy


class TrainStep:
    """The train step of every problem of a model.

    The model's parts, the loss and the updates are compiled once each and shared by all problems; only their
    order is Python. See compiled.py.

    Args:
        model: `model(batch, problem=name, training=True)`, `model.path(name)` and `model.compile_part`.
        optimizer: a keras optimizer, built over all variables of the model.
        hparams: reads `label_smoothing`, `clip_norm`, `accumulate`.
        average: averaging.MovingAverage of the weights, or None.
    """

    def __init__(self, model, optimizer, hparams, average=None):
        model.compile_part = CompiledPart
        self.model, self.optimizer, self.hparams, self.average = model, optimizer, hparams, average
        self._loss = CompiledPart(self._objective)
        self._updates = {}

    def __call__(self, problem, batch, learning_rate):
        """Updates the variables on the problem's path, no others; none at all if loss or gradient is not finite.

        Args:
            problem: its name.
            batch: see input.batching.
            learning_rate: float32 scalar.

        Returns:
            {"loss": objective, "nats": plain cross-entropy per token, "tokens", "gradient_norm": before
            clipping, "finite": whether it was applied, "experts": the model's report}, scalars but the last.
        """
        updates = [self._update(variables) for variables in self.model.path(problem)]
        result, gradients = None, None
        parts = micro_batches(batch, self.hparams.accumulate)
        for part, share in parts:
            one, more = self._gradients(problem, part, updates)
            result = _plus(result, one, share)
            more = [[g * tf.cast(share, g.dtype) for g in group] for group in more] if len(parts) > 1 else more
            gradients = more if gradients is None else tf.nest.map_structure(tf.add, gradients, more)
        norm = tf.sqrt(sum(update.square(g) for update, g in zip(updates, gradients, strict=True)))
        finite = bool(tf.math.is_finite(norm)) and bool(tf.math.is_finite(result["loss"]))
        if finite:
            scale = clip_scale(norm, self.hparams.clip_norm)
            step = tf.convert_to_tensor(self.optimizer.iterations)
            for update, g in zip(updates, gradients, strict=True):
                update.apply(g, scale, learning_rate, step)
        return result | {"gradient_norm": norm, "finite": finite}

    def _gradients(self, problem, batch, updates):
        """The result of a (part of a) batch, and the gradients of each part of the model."""
        values = [[v.value for v in update.variables] for update in updates]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            out = self.model(batch, problem=problem, training=True)
            loss, nats, tokens = self._loss(
                out["logits"], batch["targets"], batch["targets_mask"], out["aux_loss"]
            )
        gradients = tape.gradient(loss, values)
        gradients = [_dense(g, u.variables, problem) for g, u in zip(gradients, updates, strict=True)]
        return {"loss": loss, "nats": nats, "tokens": tokens, "experts": out["experts"]}, gradients

    def _objective(self, logits, targets, mask, aux_loss):
        loss, nats, tokens = cross_entropy(logits, targets, mask, self.hparams.label_smoothing)
        return loss + tf.cast(aux_loss, tf.float32), nats, tokens

    def _update(self, variables):
        key = tuple(id(v) for v in variables)
        if key not in self._updates:
            self._updates[key] = Update(self.optimizer, variables, self.average)
        return self._updates[key]


class Update:
    """The optimizer's work on one part's variables, compiled: `square(gradients)` is the squared norm,
    `apply(gradients, scale, learning_rate, step)` the update with the gradients times `scale`; `step` counts
    those before, since a step that updates several parts is still one to the optimizer."""

    def __init__(self, optimizer, variables, average=None):
        self.variables = variables
        gradients = [tf.TensorSpec(v.shape, v.dtype) for v in variables]
        scalar, count = tf.TensorSpec([], tf.float32), tf.TensorSpec([], optimizer.iterations.dtype)

        def square(gradients):
            return 2.0 * tf.add_n([tf.nn.l2_loss(tf.cast(g, tf.float32)) for g in gradients])

        def apply(gradients, scale, learning_rate, step):
            optimizer.iterations.assign(step)
            optimizer.learning_rate.assign(learning_rate)
            optimizer.apply([g * tf.cast(scale, g.dtype) for g in gradients], variables)
            if average:
                average.update(variables, step)

        self.square = compiled(square, gradients)
        self.apply = compiled(apply, gradients, scalar, scalar, count)


def compiled(function, *signature):
    """The function's one graph. (A tf.function would warn that each part's traces the same Python code again.)"""
    return tf.function(function, input_signature=signature, autograph=False).get_concrete_function()


def micro_batches(batch, count):
    """[(part, its share of the batch's target tokens)]: the batch cut into `count` parts along its first axis, or as
    many as it has examples."""
    examples = batch["targets"].shape[0]
    if count == 1 or examples == 1:
        return [(batch, 1.0)]
    edges = [examples * i // min(count, examples) for i in range(min(count, examples) + 1)]
    parts = [{key: value[a:b] for key, value in batch.items()} for a, b in itertools.pairwise(edges)]
    tokens = [tf.reduce_sum(tf.cast(part["targets_mask"], tf.float32)) for part in parts]
    return [(part, count / tf.add_n(tokens)) for part, count in zip(parts, tokens, strict=True)]


def _plus(result, more, share):
    """The results of parts of a batch put together: means weighted by their share, tokens added."""
    if result is None and isinstance(share, float):
        return more
    weigh = lambda value: tf.cast(share, value.dtype) * value if value.dtype.is_floating else value  # noqa: E731
    weighed = tf.nest.map_structure(weigh, more) | {"tokens": more["tokens"]}
    return weighed if result is None else tf.nest.map_structure(tf.add, result, weighed)


def clip_scale(norm, max_norm):
    """What gradients of this global norm are multiplied with so that it is at most `max_norm` (0: no
    clipping)."""
    # Not a number stays one, and reaches the loss check.
    return tf.minimum(1.0, max_norm / norm) if max_norm else tf.ones_like(norm)


def _dense(gradients, variables, problem):
    """Embedding gradients as whole tensors: clipping and shared embeddings need rows that occur once."""
    missing = [v.path for v, g in zip(variables, gradients, strict=True) if g is None]
    if missing:
        raise ValueError(
            f"No gradient reaches these variables on the path of {problem}: {', '.join(missing)}"
        )
    return [tf.convert_to_tensor(g) for g in gradients]


class EvalStep:
    """The evaluation step of one problem: batch -> {"examples", "tokens", metric: [sum, count]}, float64.

    Args:
        model: as for `TrainStep`; the compiled parts are shared with it.
        metrics: objects of metrics.teacher_forced.
        problem: its name.
    """

    def __init__(self, model, metrics, problem):
        model.compile_part = CompiledPart
        self.model, self.metrics, self.problem = model, metrics, problem
        self._sums = CompiledPart(self._measure)

    def __call__(self, batch):
        logits = self.model(batch, problem=self.problem, training=False)["logits"]
        return self._sums(logits, batch["targets"], batch["targets_mask"])

    def _measure(self, logits, targets, mask):
        sums = {m.name: tf.stack(m.sums(logits, targets, mask)) for m in self.metrics}
        count = lambda real: tf.reduce_sum(tf.cast(real, tf.float64))  # noqa: E731
        return {"examples": count(tf.reduce_any(mask, axis=1)), "tokens": count(mask), **sums}


def device_name():
    """The device that TensorFlow will compute on, in words."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return f"CPU, {tf.config.threading.get_intra_op_parallelism_threads() or 'all'} threads"
    names = [tf.config.experimental.get_device_details(g).get("device_name", "GPU") for g in gpus]
    return f"{names[0]} (the first of {len(names)})" if len(names) > 1 else names[0]


def set_seed(seed):
    """Seeds initial values, dropout and gating noise: Keras draws all its seeds from Python's generator.

    TensorFlow's own seed is left alone: setting it drops every kernel that the process has made.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)
