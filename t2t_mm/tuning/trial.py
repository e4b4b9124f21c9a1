"""What the run of a trial has come to so far."""

import math
from pathlib import Path

from t2t_mm.runs import history


def evaluations(folder: Path, split: str, metric: str) -> dict[int, float | None]:
    """{step: value} of one metric of a run, in order; None for a value that is not finite."""
    problem, _, name = metric.partition("/")
    found = {}
    for each in history.read(folder):
        values = each.problems.get(problem, {})
        if each.split == split and name in values:
            value = values[name]
            found[each.step] = value if value is not None and math.isfinite(value) else None
    return found
