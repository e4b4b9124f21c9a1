"""Runs side by side: what they were trained with, what they reached, and how far that can be
compared."""

import dataclasses
import difflib
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from t2t_mm import registry
from t2t_mm.config.run import same_mixture
from t2t_mm.errors import UserError
from t2t_mm.runs import recorded
from t2t_mm.runs.metric import DECODED
from t2t_mm.runs.recorded import Recorded

# Options that make figures of two runs differ, whatever else was varied.
CAREFUL = ("train_steps", "seed", "data_dir", "eval_steps", "decode_examples")
# Where one of these differs, figures are not of the same examples.
OTHER_EXAMPLES = ("data_dir", "eval_steps", "decode_examples")


@dataclasses.dataclass(frozen=True)
class Value:
    """A metric of one problem in one run.

    Attributes:
        newest, step: the newest value, and its step.
        best, best_step: the best of all evaluations, the first of equals; None where it isn't known
            which way is better, or only the newest evaluation was kept.
    """

    newest: float | None
    step: int
    best: float | None = None
    best_step: int | None = None


class Comparison:
    """Runs side by side on one split.

    Args:
        runs: as `read` gives them, with the evaluations of one split.
        split: its name.
        metrics, problems: what to look at; all that were evaluated, if not given.

    Attributes:
        metrics, problems: names, in the order given, or of the first run that has them.
        units: {metric: "%"} of those that have a unit.

    Raises:
        UserError: a metric or problem was not evaluated in any run.
    """

    def __init__(
        self,
        runs: Sequence[Recorded],
        split: str,
        metrics: Sequence[str] = (),
        problems: Sequence[str] = (),
    ) -> None:
        self.runs, self.split = list(runs), split
        evaluated = [each for run in runs for each in run.evaluated]
        found = [(p, values) for each in evaluated for p, values in each.problems.items()]
        self.problems = _chosen("problem", problems, (problem for problem, _ in found))
        self.metrics = _chosen("metric", metrics, (name for _, values in found for name in values))
        self.units = {name: unit for each in evaluated for name, unit in each.units.items()}

    def settings(self) -> tuple[dict[str, list[Any]], int]:
        """({setting: its value in each run} of those that differ, how many are equal). None stands
        for what a run has not recorded."""
        names = dict.fromkeys(name for run in self.runs for name in run.settings)
        values = {name: [run.settings.get(name) for run in self.runs] for name in names}
        differ = {name: each for name, each in values.items() if not _are_equal(name, each)}
        return differ, len(values) - len(differ)

    def value(self, run: Recorded, problem: str, metric: str) -> Value | None:
        """A metric of a problem in a run; None if it was not evaluated there."""
        values = [
            (each.step, each.problems[problem][metric])
            for each in run.evaluated
            if metric in each.problems.get(problem, {})
        ]
        if not values:
            return None
        (step, newest), higher = values[-1], higher_is_better(metric)
        finite = [(value, at) for at, value in values if value is not None]
        if higher is None or not run.has_history or not finite:
            return Value(newest, step)
        sign = 1 if higher else -1
        best, best_step = max(finite, key=lambda pair: sign * pair[0])
        return Value(newest, step, best, best_step)

    def repeated(self) -> list[list[Recorded]]:
        """The runs, those together that differ in nothing but their seed; [] if there are none."""
        groups: list[list[Recorded]] = []
        for run in self.runs:
            like = (each for each in groups if self._is_repeated(each[0], run))
            if (group := next(like, None)) is not None:
                group.append(run)
            else:
                groups.append([run])
        return groups if len(groups) < len(self.runs) else []

    def _is_repeated(self, one: Recorded, other: Recorded) -> bool:
        names = one.settings.keys() | other.settings.keys()
        pairs = {name: [one.settings.get(name), other.settings.get(name)] for name in names}
        differ = [name for name, each in pairs.items() if not _are_equal(name, each)]
        return differ == ["seed"] and (one.step, one.problems) == (other.step, other.problems)

    def ahead(self, problem: str, metric: str) -> str:
        """The name of the run whose newest value is best; "" where that can't be said: the values
        are not of one step and the same examples, or the runs differ in nothing but their seed."""
        higher, found = higher_is_better(metric), []
        for run in self.runs:
            value = self.value(run, problem, metric)
            if value and value.newest is not None:
                found.append((run, value, value.newest))
        differ, _ = self.settings()
        unlike = differ.keys() & set(OTHER_EXAMPLES) or not differ.keys() - {"seed"}
        steps = {value.step for _, value, _ in found}
        described = [run.problems.get(problem) for run, *_ in found]
        is_one = all(each == described[0] for each in described)
        if higher is None or unlike or len(steps) != 1 or len(found) < 2 or not is_one:
            return ""
        lead = (max if higher else min)(number for *_, number in found)
        names = [run.name for run, _, number in found if number == lead]
        return names[0] if len(names) == 1 else ""

    def cautions(self) -> list[str]:
        """Where the runs differ so that comparing their figures misleads, each in a few words."""
        differ, _ = self.settings()
        found = [self._said(name, differ[name]) for name in CAREFUL if name in differ]
        steps = [run.step for run in self.runs]
        if len(set(steps)) > 1:
            found.insert(0, self._said("newest evaluation at step", steps))
        trained = [sorted(run.problems) for run in self.runs]
        if any(each != trained[0] for each in trained):
            found.append(self._said("problems", ["+".join(run.problems) for run in self.runs]))
        shared = set(trained[0]).intersection(*trained)
        other = [
            problem
            for problem in self.runs[0].problems
            if problem in shared
            and any(run.problems[problem] != self.runs[0].problems[problem] for run in self.runs)
        ]
        if other:
            found.append(f"other vocabularies, classes or data of {', '.join(other)}")
        return found

    def _said(self, name: str, values: Sequence[Any]) -> str:
        """A setting of each run: "seed 0 (a), 1 (b, c)"."""
        owners: dict[str, list[str]] = {}
        for run, value in zip(self.runs, values, strict=True):
            owners.setdefault(shown(value) or "none", []).append(run.name)
        return f"{name} " + ", ".join(f"{v} ({', '.join(names)})" for v, names in owners.items())


def read(paths: Sequence[str], split: str) -> list[Recorded]:
    """The runs in these directories, called by the end of their paths that tells them apart.

    Raises:
        UserError: one is named twice, there is none, or it can't be read.
    """
    real = [os.path.realpath(os.path.expanduser(path)) for path in paths]
    twice = [path for i, path in enumerate(paths) if real[i] in real[:i]]
    if twice:
        raise UserError(f"{twice[0]} is named twice: a run is compared with others.")
    return [
        recorded.read(path, name, split) for path, name in zip(paths, _names(real), strict=True)
    ]


def higher_is_better(metric: str) -> bool | None:
    """Whether a higher figure is the better one; None for what is no metric, such as a count."""
    names = {each.name: each.value for each in registry.entries("metric")}
    found = names.get(metric.removeprefix(DECODED))
    return found.higher_is_better if found else None


def shown(value: Any) -> str:
    """A setting as it is given on the command line; "" for what was not recorded."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value) or "''"


def _are_equal(name: str, values: Sequence[Any]) -> bool:
    known = [value for value in values if value is not None]
    same: Callable[[Any, Any], bool] = same_mixture if name == "problems" else lambda a, b: a == b
    return all(same(value, known[0]) for value in known)


def _names(paths: Sequence[str]) -> list[str]:
    """The shortest ends of paths that tell all of them apart."""
    parts = [path.split(os.sep) for path in paths]
    for size in range(1, max(map(len, parts))):
        names = [os.sep.join(each[-size:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    return list(paths)


def _chosen(kind: str, wanted: Sequence[str], there: Iterable[str]) -> list[str]:
    found = list(dict.fromkeys(there))
    for name in wanted:
        if found and name not in found:
            near = difflib.get_close_matches(name, found, n=1)
            hint = f"did you mean {near[0]}? There are" if near else "there are"
            raise UserError(
                f"No evaluation has the {kind} {name!r:.100}: {hint} {', '.join(found)}."
            )
    return list(dict.fromkeys(wanted)) or found
