"""What an output directory says of its run to those who compare runs: settings, problems,
evaluations. No TensorFlow here."""

import dataclasses
import os
from typing import Any, TypedDict

from t2t_mm import records, registry
from t2t_mm.config import hparams_files
from t2t_mm.errors import UserError
from t2t_mm.runs import history
from t2t_mm.runs.directory import OutputDir
from t2t_mm.runs.history import Evaluated

# Options that hparams come from: the hparams themselves are recorded.
SOURCES = ("hparams_set", "hparams", "gin_file", "gin_bindings")


class _Newest(TypedDict):
    step: int
    problems: dict[str, dict[str, float | None]]


class _Metrics(_Newest, total=False):
    units: dict[str, str]  # not of 0.1.0, whose accuracies are shares


@dataclasses.dataclass(frozen=True)
class Recorded:
    """A run as its directory has it.

    Attributes:
        name: what it is called where it stands beside others.
        output: its directory.
        state: see `OutputDir.state`.
        settings: {name: value} of hyperparameters and options.
        problems: {problem: description}, see `runs.description.describe`.
        evaluated: its evaluations of one split, ordered by step.
        has_history: whether these are all of them, and not only the newest.
    """

    name: str
    output: OutputDir
    state: str
    settings: dict[str, Any]
    problems: dict[str, dict[str, Any]]
    evaluated: list[Evaluated]
    has_history: bool

    @property
    def step(self) -> int | None:
        """The step of the newest evaluation; None before the first."""
        return self.evaluated[-1].step if self.evaluated else None


def read(output_dir: str | os.PathLike, name: str, split: str) -> Recorded:
    """The run in a directory, with its evaluations of a split. One that goes on is read as it is
    now.

    Raises:
        UserError: there is no run, or its records can't be read.
        RegistryError: its model is not registered here.
    """
    output = OutputDir(output_dir)
    if not output.path.is_dir():
        raise UserError(f"There is no directory {output.path}, where a run is expected.")
    model = output.recorded_model()
    settings = {"model": model, **hparams_files.load(output.path, model).to_dict()}
    if config := output.recorded_config():
        options = config.to_dict().items()
        settings |= {option: value for option, value in options if option not in SOURCES}
    evaluated = [each for each in history.read(output.path) if each.split == split]
    return Recorded(
        name,
        output,
        output.state(),
        settings,
        output.recorded_problems(),
        evaluated or _newest(output, split),
        has_history=bool(evaluated),
    )


def _newest(output: OutputDir, split: str) -> list[Evaluated]:
    """The evaluation in metrics_<split>.json, which is all that older versions kept."""
    path = output.path / f"metrics_{split}.json"
    if not os.path.lexists(path):
        return []
    found: _Metrics = records.read_json(path, _Metrics, "Evaluate again: --mode=evaluate.")
    if "units" in found:
        return [Evaluated(found["step"], split, found["units"], found["problems"])]
    metrics = {each.name: each.value for each in registry.entries("metric")}
    scales = {name: each.scale for name, each in metrics.items() if hasattr(each, "sums")}
    problems = {
        problem: {
            name: None if value is None else value * scales.get(name, 1)
            for name, value in values.items()
        }
        for problem, values in found["problems"].items()
    }
    names = {name for values in problems.values() for name in values}
    units = {name: metrics[name].unit for name in names & set(metrics) if metrics[name].unit}
    return [Evaluated(found["step"], split, units, problems)]
