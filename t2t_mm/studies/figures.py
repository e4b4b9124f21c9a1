"""The pictures of a report: learning curves, figures against the number of parameters, and which
experts serve which problem."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from t2t_mm.reporting.drawing import FORMS, content, legend, plain
from t2t_mm.studies.plan import Plan
from t2t_mm.studies.results import SIZES, Row, Rows, Size
from t2t_mm.studies.statistics import of_runs


def draw(plan: Plan, rows: Rows) -> dict[str, bytes]:
    """{file name: content} of the pictures that the results give."""
    figures = {
        "learning_curves": _curves(plan, rows),
        "size": _sizes(plan, rows),
        "experts": _experts(plan, rows),
    }
    return {
        f"{name}.{form}": content(figure, form)
        for name, figure in figures.items()
        if figure
        for form in FORMS
    }


def _problems(plan: Plan, rows: Rows) -> list[str]:
    measured = dict.fromkeys(name for arm in plan.study.arms for name in arm.on)
    return [name for name in measured if any(name in row["figures"] for row in _all(rows))]


def _all(rows: Rows) -> list[Row]:
    return [row for of_arm in rows.values() for row in of_arm]


def _first_metric(rows: Rows, problem: str) -> str:
    return next(iter(next(r["figures"][problem] for r in _all(rows) if problem in r["figures"])))


def _axes(count: int, columns: int = 3, high: float = 2.6) -> tuple[Any, list[Any]]:
    """(a figure, `count` axes in it, `columns` of them side by side)"""
    from matplotlib.figure import Figure

    columns = min(columns, count)
    lines = -(-count // columns)
    figure = Figure(figsize=(4.2 * columns, 0.7 + high * lines), layout="constrained")
    axes = list(figure.subplots(lines, columns, squeeze=False).flat)
    for each in axes[count:]:
        each.set_visible(False)
    return figure, axes[:count]


def _curves(plan: Plan, rows: Rows) -> Any:
    """Validation of each problem over the steps: a line for each arm, seeds as a band."""
    problems = _problems(plan, rows)
    figure, axes = _axes(len(problems))
    for problem, each in zip(problems, axes, strict=True):
        for arm in plan.study.arms:
            curves = [
                row["curve"][problem] for row in rows.get(arm.name, []) if problem in row["curve"]
            ]
            steps = sorted({int(step) for curve in curves for step in curve})
            steps = [step for step in steps if all(str(step) in curve for curve in curves)]
            if not steps:
                continue
            values = np.array([[curve[str(step)] for step in steps] for curve in curves], float)
            (line,) = each.plot(steps, values.mean(axis=0), label=plain(arm.name), linewidth=1.2)
            if len(values) > 1:
                low, high = values.min(axis=0), values.max(axis=0)
                each.fill_between(steps, low, high, alpha=0.15, color=line.get_color())
        each.set_title(f"{problem}, {_first_metric(rows, problem)}, validation", fontsize=9)
        each.set_xlabel("step", fontsize=8)
        each.tick_params(labelsize=7)
    legend(figure, "outside lower center", 3, 7)
    return figure


def _sizes(plan: Plan, rows: Rows) -> Any:
    """The first metric of each problem against the parameters, all and active ones; where arms
    have at least three sizes."""
    counts = {row["parameters"] for row in _all(rows)}
    if len(counts) < 3:
        return None
    problems = _problems(plan, rows)
    lines = {plain(name): of_line for name, of_line in plan.study.sizes.items()}
    on_lines = {name for of_line in lines.values() for name in of_line}
    lines |= {plain(arm.name): [arm.name] for arm in plan.study.arms if arm.name not in on_lines}
    figure, axes = _axes(2 * len(problems), columns=2)
    for i, problem in enumerate(problems):
        for j, key in enumerate(SIZES):
            each = axes[2 * i + j]
            for name, of_line in lines.items():
                _line(each, [rows.get(arm, []) for arm in of_line], problem, key, name)
            _millions(each)
            each.set_title(f"{problem}, {_first_metric(rows, problem)}, {plan.split}", fontsize=9)
            each.set_xlabel(key.replace("_", " "), fontsize=8)
            each.tick_params(labelsize=7, which="both")
    legend(figure, "outside lower center", 3, 7)
    return figure


def _line(axes: Any, arms: Sequence[Sequence[Row]], problem: str, key: Size, name: str) -> None:
    """Figures of arms, with their intervals, at their numbers of parameters."""
    points = []
    for rows in arms:
        of_arm = [row for row in rows if problem in row["figures"]]
        if of_arm:
            found = of_runs([next(iter(row["figures"][problem].values())) for row in of_arm])
            low, high = found.interval or (found.mean, found.mean)
            points.append((of_arm[0][key], found.mean, found.mean - low, high - found.mean))
    if points:
        sizes, means, *bars = np.array(sorted(points)).T
        axes.errorbar(
            sizes, means, np.maximum(bars, 0.0), marker="o", capsize=2, markersize=4, label=name
        )


def _millions(axes: Any) -> None:
    """Marks a logarithmic axis of sizes."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1e6:g} M")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _experts(plan: Plan, rows: Rows) -> Any:
    """Share of each expert in each problem, of one seed of the first arm with experts that trains
    several problems."""
    for arm in plan.study.arms:
        of_arm = [row for row in rows.get(arm.name, []) if row["experts"]]
        if not of_arm or len(of_arm[0]["figures"]) < 2:
            continue
        places = of_arm[0]["experts"]  # of one seed: those of another are other experts
        figure, axes = _axes(len(places), high=0.35 * len(of_arm[0]["figures"]) + 1.2)
        for (place, shares), each in zip(places.items(), axes, strict=True):
            each.imshow(list(shares.values()), cmap="Blues", vmin=0.0, aspect="auto")
            each.set_yticks(range(len(shares)), list(shares), fontsize=7)
            each.set_title(
                f"{plain(arm.name)}, seed {of_arm[0]['seed']}: experts, {place}", fontsize=8
            )
            each.set_xlabel("expert", fontsize=8)
        return figure
    return None
