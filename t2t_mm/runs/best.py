"""The best evaluation of a run by one metric: its checkpoint kept, and an end of training when none
is better."""

import math
import os
import re
import shutil
from pathlib import Path
from typing import TypedDict

from t2t_mm import files, records, registry
from t2t_mm.errors import UserError


class _Saved(TypedDict, total=False):
    metric: str
    unit: str
    values: dict[str, float | None]  # of steps


class Best:
    """Follows one metric over the evaluations of a run, and of those before it in the same
    directory. A value that is not finite is never the best.

    Args:
        metric: "wmt_ende/log_perplexity".
        path: `<output_dir>/best.json`, where it is remembered; its checkpoint lies in the folder
            `best` beside it. None remembers and keeps nothing.
        patience: evaluations without a better one after which training ends; 0 never ends it.

    Attributes:
        values: {step: value} of all evaluations.

    Raises:
        UserError: if the metric is not written like that, or what is remembered can't be read.
        RegistryError: if there is no such metric.
    """

    def __init__(self, metric: str, path: str | os.PathLike | None = None, patience: int = 0):
        self.problem, slash, self.name = metric.partition("/")
        if not (self.problem and slash and self.name):
            raise UserError(
                f"A metric is named problem/metric, as in wmt_ende/log_perplexity, not {metric!r}."
            )
        self._metric = registry.metric(self.name)
        self.metric, self.patience, self.path = metric, patience, Path(path) if path else None
        self.values: dict[int, float] = {}
        if self.path and os.path.lexists(self.path):
            self.values = _remembered(self.path, metric, self._old_scale)

    @property
    def _old_scale(self) -> int:
        """What a value of 0.1.0, which recorded no units, is multiplied with: teacher-forced
        accuracies were shares."""
        return self._metric.scale if hasattr(self._metric, "sums") else 1

    @property
    def shown(self) -> str:
        """The value of the best evaluation with its unit."""
        return self._metric.shown(self.value)

    @property
    def step(self) -> int | None:
        """The step of the best evaluation, the first of equals; None if there was none."""
        sign = 1 if self._metric.higher_is_better else -1
        finite = sorted(step for step, value in self.values.items() if math.isfinite(value))
        return max(finite, key=lambda step: sign * self.values[step], default=None)

    @property
    def value(self) -> float | None:
        """The value of the best evaluation."""
        step = self.step
        return None if step is None else self.values[step]

    @property
    def since(self) -> int:
        """How many evaluations there were since the best, or in all if none is."""
        best = self.step
        return sum(best is None or step > best for step in self.values)

    @property
    def is_over(self) -> bool:
        """Whether patience is at its end."""
        return 0 < self.patience <= self.since

    def verdict(self) -> str:
        """A line on the best evaluation and those since, for a training that ends."""
        if self.step is None:
            return f"No finite {self.metric} in {self.since} evaluations"
        return (
            f"No {self.metric} better than {self.shown} of step {self.step:,} in {self.since} "
            "evaluations"
        )

    def resume(self, step: int) -> None:
        """Forgets evaluations after `step`, from which training goes on: they will be made
        again."""
        self.values = {made: value for made, value in self.values.items() if made <= step}

    def update(self, step: int, results: dict[str, dict[str, float]]) -> bool:
        """Takes the results of an evaluation (evaluation.Evaluator.run); whether they are the best
        so far.

        Raises:
            UserError: if the metric is not among them.
        """
        values = results.get(self.problem, {})
        if self.name not in values:
            there = [
                f"{problem}/{name}"
                for problem, values in results.items()
                for name in values
                if name not in ("examples", "tokens")
            ]
            raise UserError(f"There is no metric {self.metric}; evaluated are {', '.join(there)}.")
        self.values[step] = float(values[self.name])
        return self.step == step

    def write(self) -> None:
        """Writes all evaluations to `path`."""
        if self.path:
            state = {
                "metric": self.metric,
                "unit": self._metric.unit,
                "value": self.value,
                "step": self.step,
                "values": self.values,
            }
            files.write_json(self.path, state)

    def keep(self, checkpoint: str | os.PathLike) -> None:
        """Keeps a checkpoint, given by its path prefix, in `best/`, where one is kept."""
        if not self.path:
            return
        folder = self.path.with_name("best")
        fresh = folder.with_name("best.partial")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        for file in Path(checkpoint).parent.glob(Path(checkpoint).name + ".*"):
            _link(file, fresh / file.name)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)


def _link(source: Path, target: Path) -> None:
    """Makes a file known under another name: what is written of checkpoints is never changed. Where
    the file system has no links, a copy of it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


def _remembered(path: Path, metric: str, old_scale: int) -> dict[int, float]:
    """{step: value} of the evaluations of a run before; {} if they are of another metric. Values of
    0.1.0, which recorded no unit, are multiplied by `old_scale`."""
    remedy = "Restore it from a backup, or delete it: the best is then determined again."
    saved = records.read_json(path, _Saved, remedy)
    values = saved.get("values", {}) if saved.get("metric") == metric else {}
    if odd := [step for step in values if not re.fullmatch("[0-9]{1,18}", step)]:
        raise UserError(f"{path} can't be read: {odd[0]!r:.40} is no step. {remedy}")
    scale = 1 if "unit" in saved else old_scale
    return {
        int(step): math.nan if value is None else scale * value for step, value in values.items()
    }
