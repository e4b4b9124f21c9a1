"""Draws the evaluations of several runs: a panel for each metric of each problem, a curve for each
run."""

import math
from typing import Any

from t2t_mm.errors import UserError
from t2t_mm.reporting.comparison import Comparison
from t2t_mm.reporting.drawing import content, legend, plain

# Told apart also by those who don't see all colours (Okabe and Ito).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", "--", ":")  # once the colours are used up
MOST = 60  # panels


def draw(comparison: Comparison, form: str = "png") -> bytes:
    """A picture with problems as rows and metrics as columns.

    Args:
        comparison: the runs, problems and metrics.
        form: "png" or "svg".

    Raises:
        UserError: there is nothing to draw, or more than fits a picture.
    """
    from matplotlib.figure import Figure

    rows = [
        [(problem, metric) for metric in comparison.metrics if curves(comparison, problem, metric)]
        for problem in comparison.problems
    ]
    rows = [row for row in rows if row]
    if not rows:
        raise UserError("None of the runs was evaluated yet: there is nothing to draw.")
    columns = max(map(len, rows))
    if len(rows) * columns > MOST:
        raise UserError(
            f"{len(rows)} problems and {columns} metrics don't fit a picture of at most {MOST} "
            "curves' panels: choose with --problems and --metrics."
        )
    figure = Figure(figsize=(3.6 * columns, 0.5 + 2.4 * len(rows)), layout="constrained")
    panels = figure.subplots(len(rows), columns, squeeze=False)
    for line, row in zip(panels, rows, strict=True):
        for axes, panel in zip(line, row, strict=False):
            _panel(axes, comparison, *panel)
        for axes in line[len(row) :]:
            axes.set_visible(False)
    legend(figure, "outside upper center", 4, 8)
    return content(figure, form)


def curves(
    comparison: Comparison, problem: str, metric: str
) -> dict[int, tuple[list[int], list[float]]]:
    """{number of the run: (steps, values)} of a metric of a problem, for the runs that have it; NaN
    where a value was not finite."""
    found = {}
    for number, run in enumerate(comparison.runs):
        points = [
            (each.step, each.problems[problem][metric])
            for each in run.evaluated
            if metric in each.problems.get(problem, {})
        ]
        if points:
            values = [math.nan if value is None else value for _, value in points]
            found[number] = ([step for step, _ in points], values)
    return found


def _panel(axes: Any, comparison: Comparison, problem: str, metric: str) -> None:
    for number, (steps, values) in curves(comparison, problem, metric).items():
        axes.plot(
            steps,
            values,
            label=plain(comparison.runs[number].name),
            color=COLOURS[number % len(COLOURS)],
            linestyle=LINES[number // len(COLOURS) % len(LINES)],
            linewidth=1.2,
            marker="o" if len(steps) < 20 else "",
            markersize=3,
        )
    unit = comparison.units.get(metric, "")
    axes.set_title(plain(problem), fontsize=9)
    axes.set_ylabel(plain(f"{metric} {unit}".rstrip()), fontsize=8)
    axes.set_xlabel("step", fontsize=8)
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.3, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
