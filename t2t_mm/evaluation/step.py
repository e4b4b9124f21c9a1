"""One evaluation step: the teacher-forced metrics of a batch."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from t2t_mm.execution.compiled import CompiledPart, CompiledParts
from t2t_mm.execution.replicas import Replicas
from t2t_mm.execution.rewriting import as_traced


class EvalStep:
    """The evaluation step of one problem: batch -> {"examples", "tokens", metric: its sums},
    float64.

    Args:
        model: a model; the compiled parts are shared with training, if it is trained.
        metrics: teacher-forced metrics, and those of a CTC head where the model has one.
        problem: its name.
        replicas: the sums are those of this worker's replicas.
    """

    def __init__(
        self, model: Any, metrics: Sequence, problem: str, replicas: Replicas | None = None
    ) -> None:
        model.run_part = model.run_part or CompiledParts()
        self.model, self.metrics, self.problem = model, metrics, problem
        self.replicas = replicas or Replicas()
        self._targets = model.problems[problem].targets
        self._sums = model.run_part.compile(self._measure)
        # XLA has no ragged tensors
        self._aligned_sums = CompiledPart(self._measure_alignment)

    @as_traced()
    def __call__(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return self.replicas.local_sum(self.replicas.run(self._of_replica, [batch]))

    def _of_replica(self, batches):
        (batch,) = batches
        out = self.model(batch, problem=self.problem, training=False)
        targets = batch["targets"], batch["targets_mask"]
        sums = self._sums(out["logits"], *targets)
        if "alignment" in out:
            sums |= self._aligned_sums(*out["alignment"], *targets)
        return sums

    def _measure(self, logits, targets, mask):
        measured = self._targets.measured(logits, targets)
        metrics = [metric for metric in self.metrics if not metric.of_alignment]
        sums = {m.name: tf.stack(m.sums(*measured, mask)) for m in metrics}
        count = lambda real: tf.reduce_sum(tf.cast(real, tf.float64))  # noqa: E731
        return {"examples": count(tf.reduce_any(mask, axis=1)), "tokens": count(mask), **sums}

    def _measure_alignment(self, logits, valid, targets, mask):
        metrics = [metric for metric in self.metrics if metric.of_alignment]
        return {m.name: tf.stack(m.sums(logits, targets, mask, valid)) for m in metrics}
