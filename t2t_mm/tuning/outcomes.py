"""What came of trials, apart from how they are stored."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from t2t_mm.errors import UserError

# States of a trial. Refused: HParams that don't go together, of which no process was started.
COMPLETE, PRUNED, REFUSED, FAILED, RUNNING = "complete", "pruned", "refused", "failed", "running"
_ORDER = (COMPLETE, PRUNED, RUNNING, REFUSED, FAILED)
FIRST = 3  # trials after which a search ends if all of them have failed
TOO_CLOSE = 0.02  # a difference of this share is not told from that of another seed


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A trial.

    Attributes:
        number: from 0.
        values: {field: value} of what is searched.
        is_own: whether they are the set's own.
        state: one of the above.
        value: of the metric, at the last evaluation; None if there was none.
        step: of that evaluation.
        reason: why it failed or was refused; of a complete one, which other it is the same as.
    """

    number: int
    values: dict[str, Any]
    is_own: bool
    state: str
    value: float | None = None
    step: int | None = None
    reason: str = ""


def ordered(outcomes: Iterable[Outcome], higher_is_better: bool) -> list[Outcome]:
    """Best first; those that did not end after those that did."""
    sign = -1 if higher_is_better else 1

    def key(each: Outcome) -> tuple:
        unknown = each.value is None
        return _ORDER.index(each.state), unknown, sign * (each.value or 0.0), each.number

    return sorted(outcomes, key=key)


def best(outcomes: Iterable[Outcome], higher_is_better: bool) -> Outcome | None:
    """The best of the trials that are complete; None if none is."""
    found = ordered(outcomes, higher_is_better)
    return found[0] if found and found[0].state == COMPLETE else None


def check_some_work(outcomes: Sequence[Outcome], is_over: bool, logs: str) -> None:
    """Raises a UserError with the reason if all trials that have ended came to nothing, and there
    were some, or `is_over`.

    Args:
        outcomes: those of the search.
        is_over: whether there will be no more.
        logs: where the logs of trials are.
    """
    ended = [each for each in outcomes if each.state != RUNNING]
    failed = [each for each in ended if each.state == FAILED]
    if any(each.state in (COMPLETE, PRUNED) for each in ended) or not ended:
        return
    if len(failed) >= FIRST or (is_over and len(ended) == len(outcomes)):
        last = (failed or ended)[-1]
        count = f"All {len(ended)} trials" if len(ended) > 1 else "The only trial"
        raise UserError(
            f"{count} failed. Trial {last.number}: {last.reason.rstrip('.')}. The logs are "
            f"{logs}. When that is mended, the same command starts over."
        )


def verdict(outcomes: Sequence[Outcome], measure: Any) -> str:
    """A line on the best trial and the set's own values.

    Args:
        outcomes: of which at least one is complete.
        measure: the registered metric.
    """
    first = best(outcomes, measure.higher_is_better)
    own = next((each for each in outcomes if each.is_own and each.state == COMPLETE), None)
    if first is None or first.value is None:
        raise ValueError("no trial is complete")
    if own is None or own.value is None:
        return "The set's own values came to no result: there is nothing to compare the best with."
    if first.is_own:
        return f"No trial is better than the set's own values (trial {own.number})."
    pair = f"{measure.shown(first.value)} against {measure.shown(own.value)}"
    if abs(first.value - own.value) <= TOO_CLOSE * _room(first.value, own.value, measure):
        return (
            f"The best can't be told from the set's own values (trial {own.number}): {pair}. "
            "Another --seed may change as much: train both with several before you prefer one."
        )
    return f"Trial {first.number} is better than the set's own values (trial {own.number}): {pair}."


def _room(one: float, other: float, measure: Any) -> float:
    """What a difference is a share of: the values, or of percentages what they lack of all."""
    values = [abs(one), abs(other)]
    if measure.unit == "%":
        values += [abs(measure.scale - one), abs(measure.scale - other)]
    return min(max(values[:2]), max(values[2:])) if measure.unit == "%" else max(values)
