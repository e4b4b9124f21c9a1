"""Teacher-forced metrics example by example, so that examples can be resampled."""

import hashlib
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
        self.metrics = metrics_of(problem)
        self._rows = model.run_part.compile(self._measure)

    def run(self, split: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Measures a split.

        Returns:
            ({metric: float64 [examples, numbers]}, a row for each example, as `Metric.figure` takes
            them; {mixture of experts: share of each expert}). The order of the examples is that of
            their contents: the same whatever the model, and the batches that it takes.

        Raises:
            UserError: the split has no usable example.
        """
        keys: list[bytes] = []
        rows: dict[str, list[np.ndarray]] = {metric.name: [] for metric in self.metrics}
        loads: dict[str, Any] = {}
        data = batches(self.problem, split, self.hparams, training=False)
        for batch in damage.read(self.problem, data):
            found, experts = self._batch(batch)
            real = batch["targets_mask"].numpy().any(axis=1)  # [rows], without rows of padding
            for name, each in found.items():
                rows[name].append(each.numpy()[real])
            keys += [_key(batch, i) for i in np.flatnonzero(real)]
            for place, report in experts.items():
                if "load" in report:  # a dense layer in their place has none
                    loads[place] = loads.get(place, 0.0) + np.asarray(report["load"], np.float64)
        if not keys:
            raise UserError(f"The {split} split of {self.problem.name} holds no usable example.")
        order = sorted(range(len(keys)), key=keys.__getitem__)
        shares = {place: load / max(load.sum(), 1e-9) for place, load in loads.items()}
        return {name: np.concatenate(each)[order] for name, each in rows.items()}, shares

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


def _key(batch: dict[str, tf.Tensor], row: int) -> bytes:
    """A digest of an example, without its padding."""
    digest = hashlib.blake2b(digest_size=16)
    inputs = sorted(key for key in batch if key.startswith("inputs") and not key.endswith("_mask"))
    for key in ("targets", *inputs):
        value, mask = batch[key][row].numpy(), batch.get(f"{key}_mask")
        is_padded = mask is not None and mask.shape[1] == len(value)  # that of a picture is one
        digest.update((value[mask[row].numpy()] if is_padded else value).tobytes())
    return digest.digest()
