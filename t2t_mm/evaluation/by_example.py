"""Teacher-forced metrics example by example, so that examples can be resampled."""

from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.data.pipeline.batching import batches
from t2t_mm.errors import UserError
from t2t_mm.evaluation.metrics.teacher_forced import metrics_of
from t2t_mm.execution.compiled import CompiledParts
from t2t_mm.execution.rewriting import as_traced
from t2t_mm.problem import damage
from t2t_mm.problem.base import Problem


class ByExample:
    """Measures one problem.

    Args:
        model: a model of the problem; its compiled parts are shared with training.
        problem: a resolved problem.
        hparams: of the model.

    Attributes:
        metrics: the teacher-forced metrics of its targets.
    """

    def __init__(self, model: Any, problem: Problem, hparams: HParams) -> None:
        model.run_part = model.run_part or CompiledParts()
        self.model, self.problem, self.hparams = model, problem, hparams
        self.metrics = metrics_of(problem, problem.teacher_forced)
        self._rows = model.run_part.compile(self._measure)

    def run(self, split: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Measures a split.

        Returns:
            ({metric: float64 [examples, numbers]}, a row for each example, as `Metric.figure` takes
            them; {mixture of experts: share of each expert}). Examples are in their stored order,
            whatever the model, and the batches that it takes; of several targets, the row of an
            example is the sum of theirs.

        Raises:
            UserError: the split has no usable example.
        """
        numbers: list[np.ndarray] = []
        rows: dict[str, list[np.ndarray]] = {metric.name: [] for metric in self.metrics}
        loads: dict[str, Any] = {}
        data = batches(self.problem, split, self.hparams, training=False, numbered=True)
        for batch in damage.read(self.problem, data):
            numbers.append(batch.pop("number").numpy())
            found, experts = self._batch(batch)
            for name, each in found.items():
                rows[name].append(each.numpy())
            for place, report in experts.items():
                loads[place] = loads.get(place, 0.0) + np.asarray(report["load"], np.float64)
        if not numbers:
            raise UserError(f"The {split} split of {self.problem.name} holds no usable example.")
        _, places = np.unique(np.concatenate(numbers), return_inverse=True)
        shares = {place: load / max(load.sum(), 1e-9) for place, load in loads.items()}
        return {name: _summed(np.concatenate(each), places) for name, each in rows.items()}, shares

    @as_traced()
    def _batch(self, batch):
        out = self.model(batch, problem=self.problem.name, training=False)
        return self._rows(out["logits"], batch["targets"], batch["targets_mask"]), out["experts"]

    def _measure(self, logits, targets, mask):
        """{metric: float64 [batch, numbers]}"""
        measured = self.problem.targets.measured(logits, targets)

        def one(row):  # an example as a batch of one
            *values, real = (each[None] for each in row)
            return {m.name: tf.reshape(tf.stack(m.sums(*values, real)), [-1]) for m in self.metrics}

        shapes = {
            m.name: tf.TensorSpec([m.width(self.problem.targets)], tf.float64) for m in self.metrics
        }
        return tf.map_fn(one, (*measured, mask), fn_output_signature=shapes)


def _summed(rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Rows of one place added up: [rows, numbers] and int [rows] to [places, numbers]."""
    sums = np.zeros((places.max() + 1, rows.shape[1]))
    np.add.at(sums, places, rows)
    return sums
