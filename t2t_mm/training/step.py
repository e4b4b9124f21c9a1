"""One training step: loss, gradients of the problem's path, clipping, update."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.execution.compiled import CompiledParts
from t2t_mm.execution.replicas import Replicas, split
from t2t_mm.execution.rewriting import as_traced
from t2t_mm.layers.gating import squared_variation
from t2t_mm.layers.shares import holders
from t2t_mm.modalities import ctc
from t2t_mm.training.averaging import MovingAverage
from t2t_mm.training.tuning import Tuning


class TrainStep:
    """The training step of every problem of a model.

    The model's parts, the losses and the updates are compiled once each and shared by all problems;
    only their order is Python. See execution/compiled.py.

    Args:
        model: `model(batch, problem=name, training=True)`, `model.problems`,
            `model.parts_of(name)` and `model.run_part`.
        optimizer: built over all variables of the model.
        hparams: reads `label_smoothing`, `ctc_weight`, `clip_norm`, `accumulate`, `moe_loss`,
            `frozen`, `body_rate`.
        average: the moving average of the weights, or None.
        replicas: model, optimizer and average were made in its scope.
        jit_compile: compile the parts with XLA.
        waits: whether a step waits for the device, and leaves the variables alone if loss or
            gradient is not finite. Otherwise the next step can be handed over at once; who looks at
            `finite` too late has variables that are not finite.
    """

    def __init__(
        self,
        model: Any,
        optimizer: keras.optimizers.Optimizer,
        hparams: HParams,
        average: MovingAverage | None = None,
        replicas: Replicas | None = None,
        jit_compile: bool = False,
        waits: bool = True,
    ) -> None:
        self.waits = waits
        self.model, self.optimizer, self.hparams, self.average = model, optimizer, hparams, average
        self.replicas = replicas or Replicas()
        model.run_part = CompiledParts(jit_compile)
        self.tuning = Tuning(model, hparams)
        self._losses, self._updates, self._functions = {}, {}, {}

    @as_traced()
    def __call__(
        self, problem: str, batch: dict[str, tf.Tensor], learning_rate: Any
    ) -> dict[str, Any]:
        """Updates the variables on the problem's path, no others.

        Args:
            problem: its name.
            batch: this worker's; see data.pipeline.batching.
            learning_rate: float32 scalar.

        Returns:
            {"loss": objective, "nats": plain cross-entropy per token, "tokens", "gradient_norm":
            before clipping, "finite": whether both are, "experts": the model's report; where there
            is a CTC head, "ctc_left_out": how many examples it left out}, scalars but "experts"; of
            the whole batch, whichever replica worked on it.
        """
        updates = [self._update(variables, rate) for variables, rate in self.tuning.parts(problem)]
        parts = split(batch, self.hparams.accumulate)
        result, gradients = self.replicas.run(self._function(problem, updates), parts)
        result = self.replicas.first(result)
        squares = [
            u.square(self.replicas.first(g)) for u, g in zip(updates, gradients, strict=True)
        ]
        norm = tf.sqrt(sum(squares) + result.pop("squares_of_shares"))
        finite = tf.math.is_finite(norm) & tf.math.is_finite(result["loss"])
        if not self.waits or bool(finite):
            scale = clip_scale(norm, self.hparams.clip_norm)
            step = tf.identity(self.optimizer.iterations.value)
            for update, g in zip(updates, gradients, strict=True):
                update.apply(g, scale, tf.convert_to_tensor(learning_rate), step)
        return result | {"gradient_norm": norm, "finite": finite}

    def _function(self, problem, updates):
        """What a replica does with its parts of a batch of the problem."""
        if problem not in self._functions:
            function = functools.partial(self._gradients, problem, updates)
            # A TPU runs whole programs.
            self._functions[problem] = (
                tf.function(function, autograph=False) if self.replicas.is_tpu else function
            )
        return self._functions[problem]

    def _gradients(self, problem, updates, parts):
        """In a replica: the result, and the gradients of each part of the model; both of all
        replicas together, as those of experts that are shared out are already."""
        tokens = [tf.reduce_sum(tf.cast(part["targets_mask"], tf.float32)) for part in parts]
        together = self.replicas.sum([tf.stack(tokens)])[0]  # [parts], of all replicas
        total, result, gradients = tf.maximum(tf.reduce_sum(together), 1.0), None, None
        for index, part in enumerate(parts):
            shares = tokens[index] / total, together[index] / total
            one, more = self._of_part(problem, part, updates, *shares)
            result = one if result is None else tf.nest.map_structure(tf.add, result, one)
            gradients = (
                more if gradients is None else tf.nest.map_structure(tf.add, gradients, more)
            )
        names = [name for name in ("loss", "nats", "ctc_left_out") if name in result]
        values = [result[name] for name in names]
        flat, variables = tf.nest.flatten(gradients), [v for u in updates for v in u.variables]
        shares = [index for index, v in enumerate(variables) if holders(v) > 1]
        mirrored = [index for index, v in enumerate(variables) if holders(v) == 1]
        names.append("squares_of_shares")
        values.append(squares([flat[index] for index in shares]))
        sums = self.replicas.sum([*values, *(flat[index] for index in mirrored)])
        for index, gradient in zip(mirrored, sums[len(names) :], strict=True):
            flat[index] = gradient
        result |= dict(zip(names, sums, strict=False)) | {"tokens": tf.reduce_sum(together)}
        return result, tf.nest.pack_sequence_as(gradients, flat)

    def _of_part(self, problem, batch, updates, share, part_share):
        """What a part of a batch adds to result and gradients; `share` of all target tokens are in
        it, `part_share` in the parts that all replicas work on at this time."""
        values = [[v.value for v in update.variables] for update in updates]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            out = self.model(batch, problem=problem, training=True)
            balance, experts = self._balance(out, part_share)
            loss, *told = self._loss(problem)(
                out["logits"],
                batch["targets"],
                batch["targets_mask"],
                share,
                balance,
                *out.get("alignment", ()),
            )
        gradients = tape.gradient(loss, values)
        gradients = [
            _dense(g, u.variables, problem) for g, u in zip(gradients, updates, strict=True)
        ]
        report = dict(zip(("nats", "ctc_left_out"), told, strict=False))
        return {"loss": loss, **report, "experts": experts}, gradients

    def _balance(self, out, share):
        """(This replica's share of the balancing losses, the report), both of the experts' work in
        all replicas."""
        experts = out["experts"]
        if self.replicas.count == 1 or not tf.nest.flatten(experts):
            return out["aux_loss"] * share, tf.nest.map_structure(
                lambda value: value * share, experts
            )
        experts = tf.nest.pack_sequence_as(experts, self.replicas.sum(tf.nest.flatten(experts)))
        aux = sum(
            squared_variation(each[kind])
            for each in experts.values()
            for kind in ("importance", "load")
        )
        for each in experts.values():
            each["dropped"] /= self.replicas.count
        report = tf.nest.map_structure(lambda value: tf.stop_gradient(value) * share, experts)
        return self.hparams.moe_loss * aux * share / self.replicas.count, report

    def _loss(self, problem):
        """The loss of the problem's targets, compiled once for equal targets."""
        spec = self.model.problems[problem].targets

        def objective(logits, targets, mask, share, balance, *alignment):
            loss, nats, _ = spec.loss(logits, targets, mask, self.hparams.label_smoothing)
            left_out = []
            if alignment:
                aligned, *left_out = ctc.loss(*alignment, targets, mask)
                weight = self.hparams.ctc_weight
                loss = (1 - weight) * loss + weight * aligned
            return loss * share + tf.cast(balance, tf.float32), nats * share, *left_out

        if spec not in self._losses:
            self._losses[spec] = self.model.run_part.compile(objective)
        return self._losses[spec]

    def _update(self, variables, rate):
        key = tuple(id(v) for v in variables)
        if key not in self._updates:
            self._updates[key] = Update(
                self.optimizer, variables, self.replicas, self.average, rate
            )
        return self._updates[key]


class Update:
    """The optimizer's work on one part's variables, compiled: `square(gradients)` is the squared
    norm of those that are not shared out over replicas, `apply(gradients, scale, learning_rate,
    step)` the update with the gradients times `scale`, in all replicas; `step` counts those before,
    since a step that updates several parts is still one to the optimizer. The part's own learning
    rate is `rate` times that of the step."""

    def __init__(
        self,
        optimizer: keras.optimizers.Optimizer,
        variables: Sequence[keras.Variable],
        replicas: Replicas,
        average: MovingAverage | None = None,
        rate: float = 1.0,
    ) -> None:
        self.variables = variables

        def square(gradients):
            return squares(
                [g for g, v in zip(gradients, variables, strict=True) if holders(v) == 1]
            )

        def apply(gradients, scale, learning_rate, step):
            optimizer.iterations.assign(step)
            optimizer.learning_rate.assign(learning_rate * rate)
            scaled = lambda gradients: [g * tf.cast(scale, g.dtype) for g in gradients]  # noqa: E731
            optimizer.apply(replicas.strategy.run(scaled, args=(gradients,)), variables)
            if average:
                average.update(variables)

        self.square, self.apply = compiled(square), compiled(apply)


def compiled(function: Callable) -> Callable:
    """The function's one graph, made at its first call; the function, where
    `tf.config.run_functions_eagerly` says so. (A tf.function would warn that each part's traces
    the same Python code again.)"""
    graphs = []

    def call(*args):
        if tf.config.functions_run_eagerly():
            return function(*args)
        if not graphs:
            graphs.append(tf.function(function, autograph=False).get_concrete_function(*args))
        return graphs[0](*args)

    return call


def squares(gradients: Sequence[tf.Tensor]) -> tf.Tensor:
    """The squared norm of several gradients together."""
    return 2.0 * tf.add_n(
        [tf.zeros([]), *(tf.nn.l2_loss(tf.cast(g, tf.float32)) for g in gradients)]
    )


def clip_scale(norm: tf.Tensor, max_norm: float) -> tf.Tensor:
    """What gradients of this global norm are multiplied with so that it is at most `max_norm` (0:
    no clipping)."""
    # Not a number stays one, and reaches the loss check.
    return tf.minimum(1.0, max_norm / norm) if max_norm else tf.ones_like(norm)


def _dense(gradients, variables, problem):
    """Embedding gradients as whole tensors: clipping and shared embeddings need rows that occur
    once."""
    missing = [v.path for v, g in zip(variables, gradients, strict=True) if g is None]
    if missing:
        raise ValueError(
            f"No gradient reaches these variables on the path of {problem}: {', '.join(missing)}"
        )
    return [tf.convert_to_tensor(g) for g in gradients]
