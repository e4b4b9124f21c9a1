"""Delimited text: `train.csv` and `train.tsv`, whose first line has the names of the columns."""

import collections
import csv
import pathlib
from collections.abc import Iterator
from typing import Any, ClassVar

from t2t_mm import files, registry
from t2t_mm.data.items import LeftOut
from t2t_mm.data.readers.columns import check_columns
from t2t_mm.data.readers.table import Table
from t2t_mm.errors import UserError


class Delimited(Table):
    """Lines of cells.

    A cell in double quotes may hold the delimiter, line breaks, and quotes that are doubled. A row
    with more or fewer cells than the header is a broken example; so is one whose quotes are not
    closed or not doubled, and what follows on the next line is read on its own.
    """

    DELIMITER: ClassVar[str]
    HINT = " in a first line of names"

    def records(self, path: pathlib.Path, columns: list[str]) -> Iterator[tuple[int, Any]]:
        found = _cells(path, self.DELIMITER)
        number, header = next(found, (1, "nothing"))
        if isinstance(header, str) or not header:
            raise UserError(
                f"{path} should begin with the names of its columns, but its line {number} is "
                f"{header or 'empty'}."
            )
        check_columns(path, header, columns)
        for number, row in found:
            if not row:
                yield number, LeftOut("empty lines")
            else:
                is_good = not isinstance(row, str)
                yield number, dict(zip(header, row, strict=True)) if is_good else row


@registry.register_reader
class Csv(Delimited):
    """Comma-separated values: a line of names of columns, then one row per example."""

    DELIMITER = ","


@registry.register_reader
class Tsv(Delimited):
    """Tab-separated values: a line of names of columns, then one row per example."""

    DELIMITER = "\t"


def _cells(path, delimiter) -> Iterator[tuple[int, Any]]:
    """(number of its first line, cells, or a str that says what is wrong) for each row."""
    # a setting of the whole process; no cell may be longer than a line
    csv.field_size_limit(max(csv.field_size_limit(), files.LONGEST_LINE))
    lines, again, width = files.lines(path), collections.deque[Any](), 0
    while True:
        taken: list[tuple[int, bytes]] = []
        row, wrong = [], ""
        try:
            text = _taken(lines, again, taken)
            row = next(csv.reader(text, delimiter=delimiter, strict=True), [])
        except csv.Error as error:
            wrong = f"{error}; quotes that begin a cell end it, and are doubled within it"
        if not taken:
            return
        width = width or len(row)
        if row and len(row) != width:
            wrong = f"{len(row)} cells, where the header has {width}"
        if wrong:  # perhaps of quotes that are not closed, which the lines after it don't belong to
            again.extendleft(reversed(taken[1:]))
        faults = (files.fault(line) for _, line in taken)
        yield taken[0][0], next(filter(None, faults), wrong) or row


def _taken(lines, again, taken):
    """The lines as text, those that were read in vain first; adds them to `taken`."""
    while again:
        taken.append(again.popleft())
        yield taken[-1][1].decode("utf-8", "replace") + "\n"
    for each in lines:
        taken.append(each)
        yield each[1].decode("utf-8", "replace") + "\n"
