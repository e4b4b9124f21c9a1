"""Rows of weights by what they stand for: what a net keeps when its pieces or classes change."""

import collections
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.modalities.base import Modality
from t2t_mm.modalities.recorded import fields_of
from t2t_mm.problem.base import Problem

RowNames = dict[str, tuple[int, list[str]]]  # as of Modality.row_names


class Moved(NamedTuple):
    """Where the rows of a variable that are kept stand.

    Attributes:
        axis: of the variable.
        then, now: int [kept]: their numbers in a checkpoint, and here.
        were, are: how many rows there were, and are.
    """

    axis: int
    then: np.ndarray
    now: np.ndarray
    were: int
    are: int

    def __str__(self) -> str:
        kept = len(self.now)
        dropped = self.were - kept
        return f"{kept:,} rows kept, {self.are - kept:,} new, {dropped:,} of the old dropped"

    def fits(self, value: Any, fresh: Any) -> bool:
        """Whether two values differ in shape by the number of rows alone."""
        wanted = list(fresh.shape)
        wanted[self.axis] = self.were
        return list(value.shape) == wanted

    def applied(self, value: np.ndarray, fresh: np.ndarray) -> np.ndarray:
        """`fresh` with those rows of `value` that are kept."""
        result, before = fresh.copy(), (slice(None),) * self.axis
        result[(*before, self.now)] = value[(*before, self.then)]
        return result


def check(moves: dict[str, Moved], shapes: dict[str, tuple[int, ...]], net: str) -> None:
    """Raises a UserError if the names that a modality gives are not those of rows of its net.

    Args:
        moves: {variable: where its rows are}.
        shapes: {variable: its shape} of the net.
        net: its name.
    """
    known = moves.keys() & shapes.keys()
    if not known:
        raise UserError(
            f"{net} has no variable {', '.join(sorted(moves))}, though its modality's row_names "
            f"names its rows; it has {', '.join(sorted(shapes))}."
        )
    for name in known:
        shape, move = shapes[name], moves[name]
        if not 0 <= move.axis < len(shape) or shape[move.axis] != move.are:
            raise UserError(
                f"{net}/{name} has the shape {list(shape)}, but its modality's row_names has "
                f"{move.are} names for its axis {move.axis}."
            )


def moved(
    problems: Iterable[Problem],
    recorded: dict[str, dict],
    folder: Any,
    log: Callable[[str], Any],
) -> dict[str, dict[str, Moved]]:
    """{"nets/" and a name: {its variable: where the rows are}} of the nets whose rows stand for
    something else than in a run, or in another order.

    Args:
        problems: resolved problems of the model.
        recorded: {problem: description} of the run.
        folder: output directory of the run, which has its vocabularies.
        log: gets a line for a net of which that can't be told.
    """
    found: dict[str, dict[str, Moved]] = {}
    shared = {f"nets/{pair[0].net_name()}": pair for pair in shared_nets(problems, recorded)}
    for part, (spec, record) in shared.items():
        now, is_same, essence = spec.row_names(), spec.means_the_same(record), type(spec).essence
        if not now or essence(record) == essence(spec.record()):
            continue
        try:
            then = type(spec).from_record(record, folder).row_names()
        except UserError as error:
            if not is_same:
                log(f"The rows of {part} can't be told apart: {error}")
            continue
        if then != now or not is_same:
            found[part] = _moved(then, now)
    return found


def shared_nets(
    problems: Iterable[Problem], recorded: dict[str, dict]
) -> Iterator[tuple[Modality, dict[str, Any]]]:
    """(resolved spec of a problem, record of a run's) where both have a net of one name."""
    sides = (side for problem in problems for side in (problem.inputs, problem.targets))
    specs = {spec: None for side in sides for spec in side.fields.values()}
    classes = {spec.kind: type(spec) for spec in specs}
    said = [each[side] for each in recorded.values() for side in ("inputs", "targets")]
    for record in (net for side in said for net in _of_nets(side)):
        if kind := classes.get(record["kind"]):
            net = kind(**fields_of(kind, record)).net_name()
            yield from ((spec, record) for spec in specs if spec.net_name() == net)


def _of_nets(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The records of what has a net of its own; what is not registered here is taken to be one."""
    if record["kind"] not in registry.names("modality"):
        return [record]
    return registry.modality(record["kind"]).records_of_nets(record)


def _moved(then: RowNames, now: RowNames) -> dict[str, Moved]:
    """Where the rows are, of the variables that have names in both."""
    found = {}
    for variable in now.keys() & then.keys():
        (axis, names), (_, old) = now[variable], then[variable]
        places = {name: place for place, name in enumerate(_numbered(old))}
        pairs = [
            (places[name], place) for place, name in enumerate(_numbered(names)) if name in places
        ]
        there, here = np.array(pairs, np.int64).reshape([-1, 2]).T
        found[variable] = Moved(axis, there, here, len(old), len(names))
    return found


def _numbered(names: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Each name with how often it has stood before: a symbol may be called like a special one."""
    seen: collections.Counter[str] = collections.Counter()
    for name in names:
        yield name, seen[name]
        seen[name] += 1
