"""All evaluations of a run, in the order in which they were made: `<output_dir>/metrics.jsonl`.

    for evaluation in history.read("out"):
        print(evaluation.step, evaluation.problems["mini_ende"]["log_perplexity"])

Each evaluation appends a line, with what `metrics_<split>.json` says of it; training that goes on
from a checkpoint appends `{"resumed": step}`. Nothing is rewritten, so that several processes may
write (one that trains, one that evaluates beside it) and others may read meanwhile. `read` sorts it
out: of several lines on one step the last counts, and what was evaluated after the step from which
training went on later is of a branch that was given up. No TensorFlow here.
"""

import dataclasses
import os
from pathlib import Path
from typing import Any, TypedDict

from t2t_mm import records

FILE = "metrics.jsonl"
_REMEDY = "Delete that line, or restore the file from a backup."


class _Line(TypedDict):
    step: int
    split: str
    units: dict[str, str]
    problems: dict[str, dict[str, float | None]]


class _Resumed(TypedDict):
    resumed: int


@dataclasses.dataclass(frozen=True)
class Evaluated:
    """What evaluations of one split at one step have found.

    Attributes:
        step: how many steps the model was trained.
        split: "train", "validation" or "test".
        units: {metric: "%"} of those that have a unit.
        problems: {problem: {metric: value}}; None stands for a value that is not finite.
    """

    step: int
    split: str
    units: dict[str, str]
    problems: dict[str, dict[str, float | None]]


def append(
    output_dir: str | os.PathLike,
    split: str,
    step: int,
    units: dict[str, str],
    problems: dict[str, dict[str, float]],
) -> None:
    """Appends an evaluation; the arguments are as in `Evaluated`. Raises an OSError if that can't
    be written."""
    line = {"step": step, "split": split, "units": units, "problems": problems}
    records.append_line(Path(output_dir, FILE), line)


def resume(output_dir: str | os.PathLike, step: int) -> None:
    """Notes that training goes on from `step`, if anything was evaluated before: evaluations of
    later steps are of weights that it doesn't have. Raises an OSError if that can't be written."""
    if os.path.lexists(Path(output_dir, FILE)):
        records.append_line(Path(output_dir, FILE), {"resumed": step})


def read(output_dir: str | os.PathLike) -> list[Evaluated]:
    """The evaluations of a run, ordered by step; [] if there are none, or an older version made
    them. An end without a line feed is ignored: it is being written, or a kill cut it off.

    Raises:
        UserError: the file can't be read; the line that is damaged is named.
    """
    found: dict[tuple[int, str], Evaluated] = {}
    for value in records.read_lines(Path(output_dir, FILE), _shape, _REMEDY):
        if "resumed" in value:
            found = {key: each for key, each in found.items() if key[0] <= value["resumed"]}
        else:
            _add(found, Evaluated(**{key: value[key] for key in _Line.__annotations__}))
    return [found[key] for key in sorted(found)]


def _shape(value: Any) -> Any:
    return _Resumed if isinstance(value, dict) and "resumed" in value else _Line


def _add(found: dict[tuple[int, str], Evaluated], new: Evaluated) -> None:
    """Puts an evaluation beside those of other problems on the same split and step, or in the place
    of those of the same problems."""
    key = new.step, new.split
    if before := found.get(key):
        units, problems = before.units | new.units, before.problems | new.problems
        new = dataclasses.replace(new, units=units, problems=problems)
    found[key] = new
