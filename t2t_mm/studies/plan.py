"""What a study asks for, run by run: each arm with each seed, and what its run is given."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from t2t_mm.config import hparams_files
from t2t_mm.studies.results import Results, Row, find
from t2t_mm.studies.study import Arm, Study

CURVE_POINTS = 5  # validations of a run
CURVE_BATCHES = 8  # of each problem, in one of them
DECISIVE = ("precision", "deterministic")  # common options that make another run of it
RUN_LOCK = "study.lock"  # held by the process that makes a run


@dataclasses.dataclass(frozen=True)
class Task:
    """A run of an arm.

    Attributes:
        arm: the arm.
        seed: from 0 on.
        folder: the run's output directory.
    """

    arm: Arm
    seed: int
    folder: Path

    def __str__(self) -> str:
        return f"{self.arm.name}, seed {self.seed}"


@dataclasses.dataclass(frozen=True)
class Plan:
    """A study and how it is to be made.

    Attributes:
        name: the registered name.
        study: its arms and contrasts.
        seeds: how many runs of each arm.
        folder: the study's output directory.
        split: what the arms are measured on.
        decode: how many examples of the problems in `study.decoded` are decoded; 0: all.
        common: options of all runs: data_dir, raw_dir, generate_data, strategy, ...
    """

    name: str
    study: Study
    seeds: int
    folder: Path
    split: str = "test"
    decode: int = 0
    common: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def results(self) -> Results:
        """Where its results are."""
        return Results(self.folder)

    def tasks(self) -> list[Task]:
        """All runs: the first seed of every arm, then the second, so that a study that is stopped
        early has something of each."""
        return [self.task(arm, seed) for seed in range(self.seeds) for arm in self.study.arms]

    def task(self, arm: Arm, seed: int) -> Task:
        """The run of an arm with a seed. Its folder is another where the arm is asked for with
        other settings: weights of one are never measured as those of the other."""
        key = hashlib.sha1(json.dumps([self.name, self.asked(arm)]).encode()).hexdigest()[:8]
        return Task(arm, seed, self.folder / "runs" / f"{arm.folder}_{key}" / f"seed_{seed}")

    def source(self, task: Task) -> Task | None:
        """The run whose weights a run starts from; None if it starts from random ones."""
        name = task.arm.starts_from
        return self.task(self.study.arm(name), task.seed) if name else None

    def asked(self, arm: Arm) -> dict[str, Any]:
        """What a row was asked for: rows of arms that were something else don't count."""
        fields = {k: v for k, v in dataclasses.asdict(arm).items() if v and k != "name"}
        fields["measured"] = list(arm.on)
        fields["split"] = self.split
        # what the set and its modifiers hold may be edited
        fields["hparams"] = _resolved(arm.hparams_set, arm.hparams, arm.model)
        if decoded := self.decoded(arm):
            fields["decoded"] = decoded
        for reference in ("starts_from", "as_large_as"):
            if reference in fields:
                fields[reference] = self.asked(self.study.arm(fields[reference]))
        fields |= {name: self.common[name] for name in DECISIVE if self.common.get(name)}
        return fields

    def decoded(self, arm: Arm) -> dict[str, int]:
        """{problem: how many examples of it are decoded}, of the problems that an arm measures."""
        return {name: self.decode for name in arm.on if name in self.study.decoded}

    def row(self, task: Task, rows: Sequence[Row]) -> Row | None:
        """The result of a run, if it is done."""
        return find(rows, self.name, task.arm.name, task.seed, self.asked(task.arm))

    def rows(self) -> list[Row]:
        """The results of this study's runs that are done, as `tasks` orders them."""
        rows = self.results.rows()
        found = (self.row(task, rows) for task in self.tasks())
        return [row for row in found if row]

    def options(self, task: Task) -> dict[str, Any]:
        """The options of a run, as those of RunConfig."""
        arm, steps, source = task.arm, task.arm.train_steps, self.source(task)
        start: dict[str, Any] = {}
        if source:
            start = {"warm_start_from": str(source.folder), "warm_start_rescale": True}
        return {
            **self.common,
            "problems": arm.problems,
            "hparams_set": arm.hparams_set,
            "hparams": arm.hparams,
            "model": arm.model,
            "train_steps": steps,
            "train_examples": arm.train_examples,
            "seed": task.seed,
            "eval_every": max(1, steps // CURVE_POINTS),
            "eval_steps": CURVE_BATCHES,
            "save_every": max(50, steps // 4),
            "keep_checkpoints": 1,
            "expert_parallel": "off",  # the model is measured as it is, on one device, too
            **start,
        }


@functools.cache
def _resolved(hparams_set: str, hparams: str, model: str) -> dict[str, Any]:
    return hparams_files.resolve(hparams_set, overrides=hparams, model=model).to_dict()
