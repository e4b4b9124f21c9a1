"""Rows of which one column is the inputs of a problem, if it has any, and another its targets."""

import functools
import numbers
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from t2t_mm import files
from t2t_mm.data.items import Broken, LeftOut
from t2t_mm.data.readers.base import Reader
from t2t_mm.errors import UserError
from t2t_mm.modalities.language.visible import is_blank
from t2t_mm.problem import keys


class Columns(Reader):
    """Reads rows. A subclass gives `find`, `expected` and `rows`.

    Examples: {column: value} of the problem's `input_key` and `target_key`, each value stored as
    its modality says; "translation/en" is the field "en" of the column "translation".

    Attributes:
        problem: whose data is read.
        keys: {side: its column}, of the sides that are stored.
    """

    PIECE = 1_000

    def __init__(
        self,
        problem: Any,
        folder: str | os.PathLike | None = None,
        log: Callable[[str], Any] = print,
    ):
        super().__init__(problem, folder, log)
        self.problem = problem
        self.name = problem.name  # which columns are read, and as what, is the problem's own
        self.keys = problem.stored_keys
        first, *_ = self.keys.values()
        self.IDENTITY = (first.partition("/")[0],)

    def rows(self, source: Any, sides: Sequence[str]) -> Iterable[Any]:
        """What is in a split.

        Args:
            source: what `find` gave.
            sides: those that are wanted; the columns of others need not be read.

        Yields:
            (key, {side: value}), `items.Broken` or `items.LeftOut`; a key is where the row is, or
            its number.
        """
        raise NotImplementedError

    def features(self) -> dict[str, Any]:
        return keys.nested({self.keys[side]: feature for side, feature in self._features.items()})

    @functools.cached_property
    def _features(self):  # kept: finding the names of classes may read everything
        return {side: self._feature(side) for side in self.keys}

    def _feature(self, side):
        try:
            return self.spec(side).tfds_feature(functools.partial(self._values, side))
        except UserError as error:
            raise UserError(f"{self.problem.name}: in its {side}, {error}") from error

    def items(self, source: Any) -> Iterator[Any]:
        for row in self.rows(source, tuple(self.keys)):
            if isinstance(row, Broken | LeftOut):
                yield row
            else:
                key, values = row
                yield key, values, *map(files.stamped, self.files_of(values))

    def loader(self, source: Any) -> Callable[[Any], Iterable[Any]]:
        sides = {
            side: (self.keys[side], self.spec(side), feature)
            for side, feature in self._features.items()
        }
        return functools.partial(_load, sides)

    def spec(self, side: str) -> Any:
        """The modality of a side."""
        return getattr(self.problem, side)

    def files_of(self, values: Mapping[str, Any]) -> list[Any]:
        """The files that the values of a row stand for."""
        paths = (self.spec(side).file_of(value) for side, value in values.items())
        return [path for path in paths if path is not None]

    def _values(self, side):
        """All raw values of one side, of every split."""
        for source in self.sources.values():
            for row in self.rows(source, (side,)):
                if not isinstance(row, Broken | LeftOut):
                    yield row[1][side]


def cells(where: Any, row: Mapping[str, Any], wanted: Mapping[str, str]) -> Any:
    """What `Columns.rows` yields of a row that a table has.

    Args:
        where: its key.
        row: {column: value}.
        wanted: {side: column}.
    """
    found = {}
    for side, key in wanted.items():
        try:
            value = row[key] if key in row else keys.value(row, key)
            if isinstance(value, str):
                value.encode()
        except UnicodeEncodeError:  # half of a pair of surrogates, as JSON can have it
            return Broken(where, f"its {key}: not UTF-8")
        except (KeyError, TypeError):
            return Broken(where, f"no {key}, only {', '.join(map(str, row))[:200] or 'nothing'}")
        if isinstance(value, dict) and {"bytes", "path"} <= value.keys():  # as Hugging Face has it
            value = value["bytes"] or value["path"]
        if value is None or (isinstance(value, str) and is_blank(value)):
            return LeftOut("rows with an empty cell")
        found[side] = value
    return where, found


def named(number: Any, names: Sequence[str]) -> Any:
    """The name of a class that has a number; None for -1, which Hugging Face has for none. What is
    no such number, or has no names, stays as it is."""
    if not names or not isinstance(number, numbers.Integral) or number >= len(names):
        return number
    return names[number] if number >= 0 else None


def check_columns(place: Any, there: Sequence[str], columns: Iterable[str]) -> None:
    """Raises a UserError if a table lacks a column, or has it twice; that of "a/b" is "a" where
    there is no "a/b"."""
    for column in columns:
        outer = column if column in there else column.partition("/")[0]
        if outer not in there:
            raise UserError(
                f"{place} has no column {column!r}, only {', '.join(map(repr, there))[:300]}. Set "
                "input_key and target_key to columns that it has."
            )
        if list(there).count(outer) > 1:
            raise UserError(f"{place} has more than one column {outer!r}: rename one of them.")


def _load(sides, item):
    """The example of a row.

    Args:
        sides: {side: (its column, its modality, the TFDS feature that stores it)}.
        item: (key, {side: value}, stamps of its files).
    """
    place, values, *_ = item
    where, stored = place if isinstance(place, str) else f"example {place}", {}
    for side, (key, spec, feature) in sides.items():
        try:
            stored[key] = spec.store(values[side], feature)
        except (OSError, ValueError, TypeError, KeyError, ArithmeticError, RuntimeError) as error:
            # soundfile's own is a RuntimeError
            yield Broken(where, f"its {key}: {str(error)[:300]}")
            return
        if side == "inputs" and spec.is_blank(stored[key]):  # which no one could ask for
            yield Broken(where, f"its {key}: an empty text; a problem without has inputs = None")
            return
    yield place, keys.nested(stored)
