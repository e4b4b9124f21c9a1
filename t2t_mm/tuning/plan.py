"""What a search is: the run that all trials share, the range, and the metric that they are judged
by."""

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from t2t_mm import registry
from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.runs.metric import DECODED
from t2t_mm.tuning.ranges import Space

# Options without which the results of trials can't be compared.
SAME = (
    "problems",
    "model",
    "train_steps",
    "seed",
    "eval_split",
    "eval_every",
    "eval_steps",
    "decode_examples",
    "warm_start_from",
    "precision",
    "data_dir",
    "train_examples",
    "jit_compile",
)


@dataclasses.dataclass(frozen=True)
class Plan:
    """A search.

    Args:
        config: the options of each trial.
        hparams: the hyperparameters of each trial, apart from what is searched: the set, with what
            is given beside it.
        space: what is searched.
        metric: "mini_ende/log_perplexity".
        trials: how many in all, of all processes that search here.
        output: the directory of the search, which holds a directory for each trial.
        storage: the URL of the database; "": an SQLite file in `output`.
        given: {flag: value} of each trial's command line, apart from its hyperparameters.
        changes: hyperparameters that --hparams gives.
    """

    config: RunConfig
    hparams: HParams
    space: Space
    metric: str
    trials: int
    output: Path
    storage: str = ""
    given: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where Optuna keeps the trials."""
        return self.storage or f"sqlite:///{self.output / 'tune.db'}"

    @functools.cached_property
    def own(self) -> dict[str, Any]:
        """The set's own values of what is searched."""
        return {name: getattr(self.hparams, name) for name in self.space.searched}

    @functools.cached_property
    def measure(self) -> Any:
        """The registered metric."""
        return registry.metric(self.metric.partition("/")[2].removeprefix(DECODED))

    def folder(self, number: int) -> Path:
        """The output directory of a trial."""
        return self.output / f"trial_{number}"

    def with_values(self, values: Mapping[str, Any]) -> HParams:
        """The hyperparameters of a trial. Raises a UserError if they don't go together."""
        return self.hparams.replace(**values)

    def options(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The flags of a trial."""
        hparams = {**self.changes, **self.space.fixed, **values}
        shown = ",".join(f"{name}={value}" for name, value in hparams.items())
        # a search keeps many runs: of each the newest checkpoint, if nothing else is asked for
        return {"keep_checkpoints": 1, **self.given, "hparams": shown}

    def identity(self) -> dict[str, str]:
        """What a search that goes on has to agree in, and is refused for."""
        return {
            "metric": self.metric,
            "range": str(self.space),
            **{name: str(getattr(self.config, name)) for name in SAME},
            **{f"hparams {name}": str(value) for name, value in self.hparams.to_dict().items()},
        }
