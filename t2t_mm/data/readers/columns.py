"""Rows of which one column is the inputs of a problem, or several are, or none, and another its
targets."""

import functools
import numbers
import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from t2t_mm import files
from t2t_mm.data.items import Broken, LeftOut
from t2t_mm.data.readers.base import Reader
from t2t_mm.errors import UserError
from t2t_mm.modalities.fields import GIVEN
from t2t_mm.modalities.language.visible import is_blank
from t2t_mm.problem import keys
from t2t_mm.problem.cells import cells_of, flags_of, keys_of, optional_in, side_of


class Columns(Reader):
    """Reads rows. A subclass gives `find`, `expected` and `rows`.

    Examples: {column: value} of the problem's `input_key` and `target_key`, each value stored as
    its modality says; "translation/en" is the field "en" of the column "translation".

    Attributes:
        problem: whose data is read.
        keys: {cell: its column}; see problem.cells.
        specs: {cell: its modality}.
        optional: cells that a row may lack: they are None then.
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
        self.specs, self.keys = cells_of(problem), keys_of(problem)
        self.optional = optional_in(problem)
        read = [key for cell, key in self.keys.items() if side_of(cell) == "inputs"]
        columns = read or self.keys.values()  # of a problem without inputs its targets
        self.IDENTITY = tuple(dict.fromkeys(key.partition("/")[0] for key in columns))

    def rows(self, source: Any, cells: Sequence[str]) -> Iterable[Any]:
        """What is in a split.

        Args:
            source: what `find` gave.
            cells: those that are wanted; the columns of others need not be read.

        Yields:
            (key, {cell: value}), `items.Broken` or `items.LeftOut`; a key is where the row is, or
            its number.
        """
        raise NotImplementedError

    def features(self) -> dict[str, Any]:
        found = {self.keys[cell]: feature for cell, feature in self._features.items()}
        flags = flags_of(self.problem).values()
        return keys.nested(found | {key: _flag() for key in flags})

    @functools.cached_property
    def _features(self):  # kept: finding the names of classes may read everything
        return {cell: self._feature(cell) for cell in self.keys}

    def _feature(self, cell):
        try:
            return self.specs[cell].tfds_feature(functools.partial(self._values, cell))
        except UserError as error:
            raise UserError(f"{self.problem.name}: in its {cell}, {error}") from error

    def items(self, source: Any) -> Iterator[Any]:
        for row in self.rows(source, tuple(self.keys)):
            if isinstance(row, Broken | LeftOut):
                yield row
            else:
                key, values = row
                yield key, values, *map(files.stamped, self.files_of(values))

    def loader(self, source: Any) -> Callable[[Any], Iterable[Any]]:
        cells = {
            cell: (self.keys[cell], self.specs[cell], feature, cell in self.optional)
            for cell, feature in self._features.items()
        }
        return functools.partial(_load, cells)

    def files_of(self, values: Mapping[str, Any]) -> list[Any]:
        """The files that the values of a row stand for."""
        paths = (self.specs[cell].file_of(value) for cell, value in values.items())
        return [path for path in paths if path is not None]

    def _values(self, cell):
        """All raw values of one cell, of every split."""
        for source in self.sources.values():
            for row in self.rows(source, (cell,)):
                if isinstance(row, Broken | LeftOut):
                    continue
                if row[1][cell] is not None or cell not in self.optional:
                    yield row[1][cell]


def _flag():
    """The TFDS feature that says whether an example has what it may lack."""
    import numpy as np
    import tensorflow_datasets as tfds

    return tfds.features.Scalar(np.bool_)


def found_in(
    where: Any, row: Mapping[str, Any], wanted: Mapping[str, str], optional: Container[str] = ()
) -> Any:
    """What `Columns.rows` yields of a row that a table has.

    Args:
        where: its key.
        row: {column: value}.
        wanted: {cell: column}.
        optional: cells that may be empty.
    """
    found: dict[str, Any] = {}
    for cell, key in wanted.items():
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
        is_empty = value is None or (isinstance(value, str) and is_blank(value))
        if is_empty and cell not in optional:
            return LeftOut("rows with an empty cell")
        found[cell] = None if is_empty else value
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


def _load(cells, item):
    """The example of a row.

    Args:
        cells: {cell: (its column, its modality, the TFDS feature that stores it, whether it may be
            absent)}.
        item: (key, {cell: value}, stamps of its files).
    """
    place, values, *_ = item
    where, stored = place if isinstance(place, str) else f"example {place}", {}
    for cell, (key, spec, feature, is_optional) in cells.items():
        is_given = values[cell] is not None or not is_optional
        try:
            stored[key] = spec.store(values[cell] if is_given else spec.blank(), feature)
        except (OSError, ValueError, TypeError, KeyError, ArithmeticError, RuntimeError) as error:
            # soundfile's own is a RuntimeError
            yield Broken(where, f"its {key}: {str(error)[:300]}")
            return
        if is_optional:
            stored[key + GIVEN] = is_given
        elif side_of(cell) == "inputs" and spec.is_blank(stored[key]):  # no one could ask for it
            yield Broken(where, f"its {key}: an empty text; a problem without has inputs = None")
            return
    yield place, keys.nested(stored)
