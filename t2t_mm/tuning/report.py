"""What a search ends with: its trials, the best as a gin file, and how to train with that."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from t2t_mm import files
from t2t_mm.config import hparams_files
from t2t_mm.reporting.console import Console
from t2t_mm.runs import child
from t2t_mm.tuning.outcomes import RUNNING, Outcome, best, ordered, verdict
from t2t_mm.tuning.plan import Plan

BEST = "best.gin"


def show(
    plan: Plan, outcomes: Sequence[Outcome], importances: Mapping[str, float], console: Console
) -> None:
    """Prints what came of the trials, and writes the best."""
    higher = plan.measure.higher_is_better
    searched = list(plan.space.searched)
    rows = [_row(each, searched) for each in ordered(outcomes, higher)]
    console.table(
        f"Trials in {plan.output} by {plan.metric}, best first",
        ["trial", plan.metric, "step", "state", *searched, ""],
        rows,
        {plan.metric: plan.measure.unit},
    )
    if importances:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in importances.items())
        console.log(f"What made trials good: {shares}")
    if running := sum(each.state == RUNNING for each in outcomes):
        console.log(f"{running} of the trials are still run by other processes.")
    found = best(outcomes, higher)
    if found is None:
        console.log("No trial is complete.")
        return
    path = plan.output / BEST
    files.write_text(path, hparams_files.to_gin(plan.with_values(found.values)))
    console.log(verdict(outcomes, plan.measure))
    console.log(f"The best is in {path}. To train with it:\n\n    {_command(plan)}\n")


def in_words(values: Mapping[str, Any]) -> str:
    """Hyperparameters as a person reads them: "learning_rate=0.00123, dropout=0.1"."""
    return ", ".join(f"{name}={_short(value)}" for name, value in values.items())


def _row(each: Outcome, searched: Sequence[str]) -> list[Any]:
    notes = ["the set's own values"] if each.is_own else []
    notes += [each.reason] if each.reason else []
    values = [_short(each.values.get(name, "")) for name in searched]
    return [each.number, each.value, each.step, each.state, *values, ": ".join(notes)]


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _command(plan: Plan) -> str:
    """The command line that trains the best."""
    gin = {"gin_file": (str(plan.output / BEST),), "gin_bindings": ()}
    options = {**plan.given, **gin, "hparams": ""}
    _, *words = child.command(plan.output / "best", options)
    return shlex.join(["python", *words])
