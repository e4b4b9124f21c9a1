"""`report.md`: what a study has found, each figure with its interval, each contrast in words."""

import math
from collections import defaultdict
from collections.abc import Sequence

from t2t_mm import files, registry
from t2t_mm.evaluation.metrics.scoring import with_unit
from t2t_mm.reporting.console import Console
from t2t_mm.runs.metric import DECODED
from t2t_mm.studies import figures
from t2t_mm.studies.plan import Plan
from t2t_mm.studies.results import SIZES, Figure, Row, Rows
from t2t_mm.studies.statistics import Estimate, difference, of_runs
from t2t_mm.studies.study import Contrast


def write(plan: Plan, command: str, console: Console) -> None:
    """Writes the report of what is done, and its pictures as PNG and SVG.

    Args:
        plan: the study.
        command: the command line that makes it.
        console: gets the sentences, and where the report is.
    """
    rows = by_arm(plan.rows())
    pictures = figures.draw(plan, rows)
    for name, content in pictures.items():
        files.write_bytes(plan.folder / name, content)
    said = sentences(plan.study.contrasts, rows)
    text = _text(plan, command, rows, said, [name for name in pictures if name.endswith(".png")])
    files.write_text(plan.folder / "report.md", text)
    for line in said:
        console.log(line)
    console.log(f"The report is {plan.folder / 'report.md'}.")


def by_arm(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of each arm."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["arm"]].append(row)
    return found


def estimate(rows: Sequence[Row], problem: str, metric: str) -> Estimate | None:
    """The figure of an arm; None if no run is done that has it."""
    found = _of(rows, problem, metric)
    if not found:
        return None
    return of_runs(found)


def contrasted(contrast: Contrast, rows: Rows) -> Estimate | None:
    """The difference of two arms, over the seeds that both have; None if they share none."""
    ours, theirs = (
        {row["seed"]: row for row in rows.get(name, [])}
        for name in (contrast.arm, contrast.against)
    )
    seeds = sorted(ours.keys() & theirs.keys())
    pairs = [_of([ours[seed], theirs[seed]], contrast.problem, contrast.metric) for seed in seeds]
    pairs = [pair for pair in pairs if len(pair) == 2]
    if not pairs or not all(
        ours[seed][key].get(contrast.problem) == theirs[seed][key].get(contrast.problem)
        for seed in seeds
        for key in ("examples", "data")
    ):
        return None
    first, second = zip(*pairs, strict=True)
    return difference(
        ([each["value"] for each in first], [each["value"] for each in second]),
        ([each["resamples"] for each in first], [each["resamples"] for each in second]),
    )


def sentences(contrasts: Sequence[Contrast], rows: Rows) -> list[str]:
    """Each contrast in words, and in the last sentence those that can't be made yet."""
    said, missing = [], defaultdict[str, dict[str, None]](dict)
    for each in contrasts:
        if found := contrasted(each, rows):
            said.append(_sentence(each, found))
        else:
            missing[f"{each.arm} against {each.against}"][each.problem] = None
    if missing:
        which = "; ".join(f"{pair} ({', '.join(names)})" for pair, names in missing.items())
        said.append(f"Not measured yet, or not on the same examples: {which}.")
    return said


def _sentence(contrast: Contrast, found: Estimate) -> str:
    """A contrast in words: better, worse, or not to be told apart."""
    metric = registry.metric(contrast.metric.removeprefix(DECODED))
    title = f"{contrast.problem}, {contrast.metric}: {contrast.arm}"
    if not all(map(math.isfinite, (found.mean, *(found.interval or ())))):
        return f"{title} against {contrast.against}: a figure of one of them is not finite."
    unit = " points" if metric.unit == "%" else ""
    number = lambda value: f"{value:+.2f}" if metric.unit == "%" else f"{value:+.4f}"  # noqa: E731
    seeds = f"{found.seeds} seed{'s' if found.seeds > 1 else ''}"
    if found.interval is None:
        return (
            f"{title} differs from {contrast.against} by {number(found.mean)}{unit}: a single seed "
            "can't tell whether that is chance."
        )
    low, high = map(number, found.interval)
    if not found.is_apart:
        return (
            f"{title} is not distinguishable from {contrast.against} with {seeds}: "
            f"{number(found.mean)}{unit} [{low}, {high}]."
        )
    is_better = (found.mean > 0) == metric.higher_is_better
    return (
        f"{title} is {'better' if is_better else 'worse'} than {contrast.against}: "
        f"{number(found.mean)}{unit} [{low}, {high}], {seeds}."
    )


def _of(rows: Sequence[Row], problem: str, metric: str) -> list[Figure]:
    figures_of = (row["figures"].get(problem, {}) for row in rows)
    return [each[metric] for each in figures_of if metric in each]


def _text(plan: Plan, command: str, rows: Rows, said: list[str], pictures: list[str]) -> str:
    study = plan.study
    done = sum(map(len, rows.values()))
    total = len(study.arms) * plan.seeds
    part = "" if done == total else f" **{total - done} of {total} runs are not done yet.**"
    lines = [f"# {plan.name}", "", registry.find("study", plan.name).description, ""]
    lines += [f"The paper: {study.paper}", ""] if study.paper else []
    lines += [
        f"```bash\n{command}\n```",
        "",
        f"Measured on the {plan.split} split.{part} In brackets: 95% intervals, by Student's t "
        "over seeds and by bootstrap over test examples. A difference is paired by seed and by "
        "example. Where nothing differs, about one contrast in twenty still looks apart.",
        "",
        "## Figures",
        "",
        *_table(plan, rows),
        "",
        "## Contrasts",
        "",
        *(f"- {line}" for line in said),
        "",
    ]
    for name in pictures:
        lines += [f"![{name.removesuffix('.png').replace('_', ' ')}]({name})", ""]
    return "\n".join(lines)


def _table(plan: Plan, rows: Rows) -> list[str]:
    """A Markdown table: arms as rows, what is compared as columns."""
    columns = list(dict.fromkeys((each.problem, each.metric) for each in plan.study.contrasts))
    columns = columns or _usual(rows)
    heads = ["arm", "steps", "seeds", "parameters", "active"]
    heads += [f"{problem} {metric}" for problem, metric in columns]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for arm in plan.study.arms:
        of_arm = rows.get(arm.name, [])
        sizes = [_millions(of_arm[0][key]) if of_arm else "" for key in SIZES]
        cells = [_cell(estimate(of_arm, *column), column[1]) for column in columns]
        row = [arm.name, f"{arm.train_steps:,}", str(len(of_arm)), *sizes, *cells]
        lines.append(f"| {' | '.join(row)} |")
    return lines


def _usual(rows: Rows) -> list[tuple[str, str]]:
    """(problem, metric) of what was measured first: of a study that compares nothing."""
    found: dict[tuple[str, str], None] = {}
    for row in (each for of_arm in rows.values() for each in of_arm):
        for problem, figures_of in row["figures"].items():
            found |= dict.fromkeys((problem, metric) for metric in list(figures_of)[:2])
    return list(found)


def _millions(count: int) -> str:
    return f"{count / 1e6:.2f} M"


def _cell(found: Estimate | None, metric: str) -> str:
    """A figure with its interval."""
    if found is None:
        return ""
    registered = registry.metric(metric.removeprefix(DECODED))
    unit = registered.unit
    if found.interval is None:
        return f"{with_unit(found.mean, unit)} (one seed)"
    digits = 2 if unit == "%" else 4
    low, high = found.interval
    if unit == "%" and 0.0 <= found.mean <= registered.scale:  # no share lies outside
        low, high = max(low, 0.0), min(high, float(registered.scale))
    return f"{with_unit(found.mean, unit)} [{low:.{digits}f}, {high:.{digits}f}]"
