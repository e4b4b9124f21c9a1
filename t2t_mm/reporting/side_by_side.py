"""Prints a comparison of runs: tables for a person, one object for a machine."""

import dataclasses
from typing import Any

from t2t_mm.reporting.comparison import Comparison, higher_is_better, shown
from t2t_mm.reporting.console import Console

CHANCE = (
    "ahead: by the newest value. One run each can't tell whether that is by its settings or by "
    "chance: repeat the runs with another --seed. Of decoded text, t2t-mm-score --bootstrap=1000 "
    "gives intervals."
)
REPEATED = (
    "ahead: by the newest value of a single run. How far seeds alone put runs apart is in the "
    "tables of runs with one setting."
)


def log(console: Console, comparison: Comparison) -> None:
    """Prints the runs, the settings that differ, a table for each metric, and what the figures
    don't say."""
    columns = ["run", "directory", "state", "evaluations", "newest at step"]
    rows = [
        [run.name, str(run.output.path), run.state, len(run.evaluated), run.step]
        for run in comparison.runs
    ]
    console.table(f"Runs ({comparison.split} split)", columns, rows)
    differ, equal = comparison.settings()
    if differ:
        names = [run.name for run in comparison.runs]
        rows = [[name, *map(shown, values)] for name, values in differ.items()]
        console.table(f"Settings that differ ({equal} are equal)", ["setting", *names], rows)
    elif len(comparison.runs) > 1:
        console.log(f"All {equal} settings are equal.")
    is_led = False
    for metric in comparison.metrics:
        is_led |= _log_metric(console, comparison, metric)
    for note in _notes(comparison, is_led):
        console.log(note)


def _log_metric(console: Console, comparison: Comparison, metric: str) -> bool:
    """Prints the table of a metric, a row for each problem; whether a run is ahead anywhere."""
    rows = []
    for problem in comparison.problems:
        values = [comparison.value(run, problem, metric) for run in comparison.runs]
        cells = [dataclasses.astuple(value) if value else (None,) * 4 for value in values]
        if any(values):
            rows.append([problem, *sum(cells, ()), comparison.ahead(problem, metric)])
    if not rows:
        return False
    columns = ["problem"]
    for run in comparison.runs:
        columns += [run.name, "at", "best", "at"]
    columns.append("ahead")
    kept = [i for i in range(len(columns)) if any(row[i] not in (None, "") for row in rows)]
    unit = comparison.units.get(metric, "")
    units = {name: unit for name in ("best", *(run.name for run in comparison.runs))}
    higher = higher_is_better(metric)
    better = "" if higher is None else f" ({'higher' if higher else 'lower'} is better)"
    rows = [[row[i] for i in kept] for row in rows]
    console.table(f"{metric}{better}", [columns[i] for i in kept], rows, units)
    _log_repeated(console, comparison, metric)
    return len(columns) - 1 in kept


def _log_repeated(console: Console, comparison: Comparison, metric: str) -> None:
    """Prints what seeds make of a metric, where runs were repeated with others."""
    rows = []
    for problem in comparison.problems:
        for group in comparison.repeated():
            values = [comparison.value(run, problem, metric) for run in group]
            found = [float(each.newest) for each in values if each and each.newest is not None]
            if found:
                names = ", ".join(run.name for run in group)
                middle = sum(found) / len(found)
                rows.append([problem, names, len(found), middle, min(found), max(found)])
    if rows:
        unit = comparison.units.get(metric, "")
        columns = ["problem", "runs", "seeds", "mean", "lowest", "highest"]
        units = dict.fromkeys(columns[3:], unit)
        console.table(f"{metric}: newest values of runs with one setting", columns, rows, units)


def _notes(comparison: Comparison, is_led: bool) -> list[str]:
    """Lines on what the figures don't say."""
    notes = []
    if cautions := comparison.cautions():
        notes.append(f"Compare with care: {'; '.join(cautions)}.")
    if is_led:
        notes.append(REPEATED if comparison.repeated() else CHANCE)
    elif list(comparison.settings()[0]) == ["seed"]:
        notes.append("The runs differ in nothing but their seed: how far they are apart is chance.")
    for run in comparison.runs:
        if not run.evaluated:
            notes.append(f"{run.name} was not evaluated on the {comparison.split} split yet.")
        elif not run.has_history:
            notes.append(
                f"{run.name} has no metrics.jsonl, as runs of older versions: only its newest "
                "evaluation is known."
            )
    return notes


def as_json(comparison: Comparison) -> dict[str, Any]:
    """All of it as one object."""
    differ, equal = comparison.settings()
    names = [run.name for run in comparison.runs]
    return {
        "split": comparison.split,
        "runs": {
            run.name: {
                "directory": str(run.output.path),
                "state": run.state,
                "step": run.step,
                "has_history": run.has_history,
            }
            for run in comparison.runs
        },
        "settings": {
            "differ": {name: dict(zip(names, each, strict=True)) for name, each in differ.items()},
            "equal": equal,
        },
        "units": comparison.units,
        "cautions": comparison.cautions(),
        "problems": {
            problem: {
                metric: _metric_as_json(comparison, problem, metric)
                for metric in comparison.metrics
                if any(comparison.value(run, problem, metric) for run in comparison.runs)
            }
            for problem in comparison.problems
        },
    }


def _metric_as_json(comparison: Comparison, problem: str, metric: str) -> dict[str, Any]:
    values = {run.name: comparison.value(run, problem, metric) for run in comparison.runs}
    return {
        "ahead": comparison.ahead(problem, metric),
        "runs": {name: dataclasses.asdict(value) for name, value in values.items() if value},
    }
