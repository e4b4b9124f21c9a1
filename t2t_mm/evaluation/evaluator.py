"""Teacher-forced evaluation of problems on a split: the model is given the true previous
targets."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from t2t_mm.config.hparams import HParams
from t2t_mm.data.pipeline.batching import batches
from t2t_mm.errors import UserError
from t2t_mm.evaluation.metrics.teacher_forced import metrics_of
from t2t_mm.evaluation.step import EvalStep
from t2t_mm.execution.replicas import Replicas
from t2t_mm.execution.replicas import split as split_rows
from t2t_mm.problem import damage
from t2t_mm.problem.base import Problem

Results = dict[str, dict[str, float]]  # {problem: {"examples", "tokens", metric: value}}


class Stopped(Exception):
    """An evaluation was asked to stop, and has no result."""


def check_split(problems: Iterable, split: str) -> None:
    """Raises a UserError if no problem has examples in the split."""
    if not any(problem.splits().get(split) for problem in problems):
        has = "; ".join(f"{p.name} has {', '.join(p.splits()) or 'none'}" for p in problems)
        raise UserError(
            f"No problem has examples in the split {split!r}: {has}. Give another --eval_split, "
            "or train with --mode=train, which evaluates nothing."
        )


class Evaluator:
    """Evaluates a model on problems; compiles one function per problem, when first needed.

        Evaluator(model, problems, hparams).run("validation")["mini_ende"]["log_perplexity"]

    Args:
        model: a model of these problems.
        problems: resolved problems.
        hparams: HParams of the model.
        replicas: each worker evaluates its share; one device, if not given.
        static_shapes: whether all batches of a length bucket have one shape; see
            data.pipeline.batching.
    """

    def __init__(
        self,
        model: Any,
        problems: Sequence[Problem],
        hparams: HParams,
        replicas: Replicas | None = None,
        static_shapes: bool = False,
    ) -> None:
        self.model, self.problems, self.hparams = model, problems, hparams
        self.replicas, self.static_shapes = replicas or Replicas(), static_shapes
        self._steps: dict[str, EvalStep] = {}

    def run(
        self,
        split: str = "validation",
        max_batches: int | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Results:
        """Evaluates every problem that has the split.

        Args:
            split: "train", "validation" or "test".
            max_batches: stop after as many batches of each problem; None or 0 takes the whole
                split.
            stop: asked before each batch; true ends the evaluation, of all workers.

        Returns:
            {problem: {"examples": int, "tokens": int, metric: float, ...}}, each metric in its own
            unit: accuracies in percent. log_perplexity is in nats per token, so log_perplexity *
            tokens is the sum of nats over the split.

        Raises:
            UserError: if no problem has examples in the split.
            Stopped: if `stop` said so.
        """
        check_split(self.problems, split)
        return {
            problem.name: self._one(problem, split, max_batches, stop)
            for problem in self.problems
            if problem.splits().get(split)
        }

    def _one(self, problem, split, max_batches, stop) -> dict[str, float]:
        worker, workers = self.replicas.worker, self.replicas.workers
        # Where workers share out experts they compute each batch together, a part in each.
        together = workers > 1 and self.model.is_shared_out
        data = batches(
            problem,
            split,
            self.hparams,
            training=False,
            static_shapes=self.static_shapes,
            share=(0, 1) if together else (worker, workers),
        )
        metrics = metrics_of(problem, problem.evaluated_by(self.hparams))
        if problem.name not in self._steps:
            self._steps[problem.name] = EvalStep(self.model, metrics, problem.name, self.replicas)
        # Workers stopped; examples, tokens; then the sums of each metric.
        widths = [metric.width(problem.targets) for metric in metrics]
        total = np.zeros(3 + sum(widths))
        for batch in itertools.islice(damage.read(problem, data), max_batches or None):
            if self.replicas.any(stop()) if together else stop():
                total[0] = 1.0
                break
            batch = split_rows(batch, workers)[worker] if together else batch
            found = self._steps[problem.name](batch)
            total[1:] += np.concatenate(
                [np.ravel(found[n]) for n in ("examples", "tokens", *(m.name for m in metrics))]
            )
        # Workers have batches of differing number: they meet here, whichever was stopped.
        stopped, examples, tokens, *sums = self.replicas.sum_over_workers(total)
        if stopped:
            raise Stopped
        if not examples:
            raise UserError(
                f"The {split} split of {problem.name} gave no batch: its data set holds no usable "
                "example."
            )
        parts = np.split(np.array(sums), np.cumsum(widths)[:-1])
        values = {m.name: m.value(part) for m, part in zip(metrics, parts, strict=True)}
        return {"examples": round(examples), "tokens": round(tokens)} | values
