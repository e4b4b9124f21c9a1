"""The best evaluation of a run by one metric: its checkpoint kept, and an end of training when none
is better."""

import json
import shutil
from pathlib import Path

from t2t_mm import registry
from t2t_mm.errors import UserError


class Best:
    """Follows one metric over the evaluations of a run, and of those before it in the same
    directory.

    Args:
        metric: "wmt_ende/log_perplexity".
        path: `<output_dir>/best.json`, where it is remembered; its checkpoint lies in the folder
            `best` beside it. None remembers nothing.
        patience: evaluations without a better one after which training ends; 0 never ends it.

    Attributes:
        values: {step: value} of all evaluations.

    Raises:
        UserError: if the metric is not written like that.
    """

    def __init__(self, metric, path=None, patience=0):
        self.problem, slash, self.name = metric.partition("/")
        if not (self.problem and slash and self.name):
            raise UserError(
                f"A metric is named problem/metric, as in wmt_ende/log_perplexity, not {metric!r}."
            )
        self.metric, self.patience, self.path = metric, patience, Path(path) if path else None
        self.values = {}
        if self.path and self.path.is_file():
            saved = json.loads(self.path.read_text())
            if saved.get("metric") == metric:
                self.values = {int(step): value for step, value in saved.get("values", {}).items()}

    @property
    def step(self):
        """The step of the best evaluation, the first of equals; None if there was none."""
        sign = 1 if registry.metric(self.name).higher_is_better else -1
        return max(sorted(self.values), key=lambda step: sign * self.values[step], default=None)

    @property
    def value(self):
        """The value of the best evaluation."""
        return self.values.get(self.step)

    @property
    def since(self):
        """How many evaluations were not as good since then."""
        return sum(step > self.step for step in self.values)

    def resume(self, step):
        """Forgets evaluations after `step`, from which training goes on: they will be made
        again."""
        self.values = {made: value for made, value in self.values.items() if made <= step}

    def update(self, step, results) -> bool:
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
        self.values[step] = values[self.name]
        return self.step == step

    def write(self):
        """Writes all evaluations down, for `path`."""
        state = {
            "metric": self.metric,
            "value": self.value,
            "step": self.step,
            "values": self.values,
        }
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(state))
        partial.replace(self.path)

    @property
    def is_over(self) -> bool:
        """Whether patience is at its end."""
        return bool(self.values) and 0 < self.patience <= self.since

    def keep(self, checkpoint):
        """Copies a checkpoint, given by its path prefix, into `best/`, where one is kept."""
        folder = self.path.with_name("best")
        fresh = folder.with_name("best.partial")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        for file in Path(checkpoint).parent.glob(Path(checkpoint).name + ".*"):
            shutil.copy(file, fresh)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
