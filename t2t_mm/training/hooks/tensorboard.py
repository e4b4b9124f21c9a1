"""What TensorBoard shows of training: settings, the model, curves."""

import math
from typing import Any

import numpy as np

from t2t_mm.reporting.heat_map import heat_map
from t2t_mm.reporting.model_graph import graph_of
from t2t_mm.reporting.tensorboard import expert_histograms, settings, train_scalars
from t2t_mm.training.hooks.base import Hook, StepResult, Training
from t2t_mm.training.hooks.progress import ShowProgress


class TensorBoard(Hook):
    """Writes the settings and the model once, then losses, gradient norms, speed, and which experts
    serve which problem.

    Args:
        progress: measures the speed.
        every: steps between points.
    """

    def __init__(self, progress: ShowProgress, every: int = 50) -> None:
        self.progress, self.every = progress, every
        self._latest: dict[
            str, dict[str, Any]
        ] = {}  # problem -> newest values since the last point
        self._loads: dict[str, dict[str, np.ndarray]] = {}  # tag -> problem -> load of each expert

    def begin(self, trainer: Training) -> None:
        """Writes what stays as it is."""
        if trainer.summaries:
            shown = {"hparams": trainer.hparams, "options": trainer.config}
            texts = {f"run/{name}": settings(each) for name, each in shown.items()}
            trainer.summaries.texts(trainer.step, texts)
            trainer.summaries.graph(graph_of(trainer.model))

    def after_step(self, trainer: Training, result: StepResult) -> None:
        """Writes a point if it is time."""
        if not trainer.summaries:
            return
        self._latest[result.problem] = result.values
        if result.step % self.every == 0:
            self._write(trainer, result)

    def flush(self, trainer: Training) -> None:
        """Makes what was written visible to readers."""
        if trainer.summaries:
            trainer.summaries.flush()

    def _write(self, trainer, result):
        self.progress.flush(trainer)
        values = {
            "train/learning_rate": result.learning_rate,
            "train/steps_per_second": self.progress.shown.steps_per_second,
        }
        latest, self._latest = self._latest, {}
        for problem, found in latest.items():
            if not math.isfinite(float(found["nats"])):
                continue
            values |= train_scalars(problem, found)
            trainer.summaries.histograms(result.step, expert_histograms(problem, found))
            for layer, report in found["experts"].items():
                tag = f"experts_{layer}/who_serves_whom"
                self._loads.setdefault(tag, {})[problem] = np.asarray(report["load"])
        maps = {tag: heat_map(loads) for tag, loads in self._loads.items()}
        trainer.summaries.scalars(result.step, values)
        trainer.summaries.pictures(result.step, maps)
