"""`results.jsonl`: a line for each run of a study that is done, with all that its report needs."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, get_args

from t2t_mm import locks, records
from t2t_mm.config.hparams import HParams

FILE = "results.jsonl"
LOCK_FILE = "results.lock"
Size = Literal["parameters", "active_parameters"]
SIZES: tuple[Size, ...] = get_args(Size)


class Figure(TypedDict):
    """A figure on the test split, and on resamples of its examples."""

    value: float | None  # None: not finite
    resamples: list[float | None]


class Row(TypedDict):
    """A run that is done.

    Fields:
        study, arm, seed: which.
        asked: what the arm was at the time; of another arm of that name the row says nothing.
        parameters, active_parameters: of the model; the latter without the experts that a position
            does not go through, and without tables of pieces.
        examples: {problem: how many were measured on}.
        data: {problem: digest of the data that it was trained and measured on}.
        figures: {problem: {metric: Figure}}.
        curve: {problem: {step: log-perplexity or the first of its metrics, on validation}}.
        experts: {mixture: {problem: share of each expert}}.
    """

    study: str
    arm: str
    seed: int
    asked: dict[str, Any]
    parameters: int
    active_parameters: int
    examples: dict[str, int]
    data: dict[str, str]
    figures: dict[str, dict[str, Figure]]
    curve: dict[str, dict[str, float | None]]
    experts: dict[str, dict[str, list[float]]]


Rows = Mapping[str, Sequence[Row]]  # arm -> its rows, by seed


@dataclasses.dataclass(frozen=True)
class Results:
    """The results of one output directory.

    Args:
        folder: the study's output directory.
    """

    folder: Path

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / FILE

    def rows(self) -> list[Row]:
        """What is done. A last line that was cut off is left out: its run is not done.

        Raises:
            UserError: another line can't be read.
        """
        remedy = "Remove the line: its run is then done again."
        return records.read_lines(self.path, lambda value: Row, remedy)

    def add(self, row: Row) -> None:
        """Appends a row; processes that share the directory wait for each other."""
        with locks.locked(self.folder / LOCK_FILE, seconds=60.0):
            records.append_line(self.path, row)


def find(rows: Iterable[Row], study: str, arm: str, seed: int, asked: dict[str, Any]) -> Row | None:
    """The row of a run; None if it is not done, or was of an arm that was another."""
    for row in rows:
        of_this = (row["study"], row["arm"], row["seed"]) == (study, arm, seed)
        if of_this and _is_same(row["asked"], asked):
            return row
    return None


def _is_same(then: Any, now: Any) -> bool:
    """Whether a row was asked for what is asked for now. An hparam that there was not yet counts as
    its default of now: what it does by default is what was done before."""
    if not (isinstance(then, dict) and isinstance(now, dict)):
        return bool(then == now)
    then = dict(then)
    if "hparams" in then:
        then["hparams"] = HParams().to_dict() | then["hparams"]
    return then.keys() == now.keys() and all(_is_same(then[key], now[key]) for key in now)
