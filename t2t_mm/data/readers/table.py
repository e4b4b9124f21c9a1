"""Tables in files: `train.csv`, or several files `train/*.csv`, or `train-00000-of-00002.csv`."""

import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from t2t_mm import files
from t2t_mm.data.items import Broken, LeftOut
from t2t_mm.data.readers.columns import Columns, found_in
from t2t_mm.errors import UserError

FORMATS = ("csv", "tsv", "jsonl", "parquet")


class Table(Columns):
    """Reads files of rows. A subclass gives `TEXT` and `records`.

    A path of a picture or a sound starts at the problem's folder unless absolute. A row of which
    one of the two cells is empty is left out and counted.

    Attributes:
        TEXT: whether it is text, which may end in .gz.
        HINT: what else a file has to have, for messages.
    """

    TEXT: ClassVar[bool] = True
    HINT: ClassVar[str] = ""

    def records(self, path: pathlib.Path, columns: list[str]) -> Iterable[tuple[int, Any]]:
        """What is in a file.

        Args:
            path: of the file.
            columns: those that are wanted.

        Yields:
            (number of the line or row, {column: value}, or in its place a `LeftOut` or a str that
            says what is wrong with it).

        Raises:
            UserError: the file is broken, or has no such column.
        """
        raise NotImplementedError

    def total(self, source: Any) -> int | None:
        """How many lines there are: as many rows, or more than those."""
        return sum(1 for path in source for _ in files.lines(path))

    def settings(self) -> dict[str, Any]:
        return {"columns": tuple(self.keys.values())}

    def expected(self) -> str:
        name, gz = self.layout, "; each may end in .gz" if self.TEXT else ""
        columns = " and ".join(dict.fromkeys(self.keys.values()))
        return (
            f"tables with the columns {columns}{self.HINT} (train.{name} or train/*.{name}, "
            f"validation.{name}, ...{gz})"
        )

    def find(self, name: str) -> Any:
        endings = [
            f".{each}{gz}" for each in dict.fromkeys((self.layout, *FORMATS)) for gz in ("", ".gz")
        ]
        whole = [path for end in endings if (path := self.folder / f"{name}{end}").is_file()]
        mine, parts = list(filter(self._is_mine, whole)), self._parts(name)
        there = whole + parts[:1]
        if (mine or parts) and len(there) > 1:
            raise UserError(f"There are both {there[0]} and {there[1]}. Keep one of them.")
        return mine or parts or None

    def _is_mine(self, path):
        name = path.name.removesuffix(".gz") if self.TEXT else path.name
        return name.endswith(f".{self.layout}") and not name.startswith(".") and path.is_file()

    def _parts(self, name):
        """The files of a split that has several; UserError if one is there plain and in .gz."""
        patterns = (f"{name}/*.{self.layout}*", f"{name}-*-of-*.{self.layout}*")
        found = [path for each in patterns for path in sorted(self.folder.glob(each))]
        found = list(filter(self._is_mine, found))
        for path in found:
            files.existing(path.with_name(path.name.removesuffix(".gz")))
        return found

    def features(self) -> dict[str, Any]:
        for source in self.sources.values():  # a missing column is told before its values are read
            next(self.rows(source, tuple(self.keys)), None)
        return super().features()

    def rows(self, source: Any, cells: Sequence[str]) -> Iterator[Any]:
        wanted = {cell: self.keys[cell] for cell in cells}
        for path in source:
            name = path.relative_to(self.folder).as_posix()
            for number, record in self.records(path, list(wanted.values())):
                where = f"{name}:{number}"
                if isinstance(record, LeftOut):
                    yield record
                elif isinstance(record, str):
                    yield Broken(where, record)
                else:
                    yield self._placed(found_in(where, record, wanted, self.optional))

    def _placed(self, row):
        """A row whose paths start at the problem's folder."""
        if isinstance(row, Broken | LeftOut):
            return row
        where, values = row
        for cell, value in values.items():
            if (path := self.specs[cell].file_of(value)) is not None:
                values[cell] = os.fspath(self.folder / path)
        return where, values

    def files(self, source: Any) -> Iterator[pathlib.Path]:
        yield from source
        of_files = [cell for cell, spec in self.specs.items() if spec.file_of("") is not None]
        for row in self.rows(source, of_files) if of_files else ():
            if not isinstance(row, Broken | LeftOut):
                yield from self.files_of(row[1])
