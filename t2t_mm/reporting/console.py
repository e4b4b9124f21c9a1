"""Where a run logs: lines and tables, coloured on a terminal, plain text in a file."""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

import rich.box
import rich.console
import rich.table

from t2t_mm import files


class Console:
    """Prints lines and tables.

    Args:
        file: standard output, if not given. What is no terminal gets plain aligned text.
    """

    def __init__(self, file: TextIO | None = None) -> None:
        # In a notebook each line, and each state of a bar, would become an output of its own.
        plain: dict[str, Any] = (
            {"force_jupyter": False, "force_terminal": False}
            if rich.console.Console(file=file).is_jupyter
            else {}
        )
        self.rich = rich.console.Console(file=file, highlight=False, soft_wrap=True, **plain)

    @property
    def is_terminal(self) -> bool:
        """Whether a person is watching."""
        return self.rich.is_terminal

    def log(self, text: str = "") -> None:
        """Prints one line or several."""
        self.rich.print(text, markup=False)
        self.rich.file.flush()

    def record(self, text: str, **values: Any) -> None:
        """Prints a line; machines are given its values instead."""
        self.log(text)

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        units: Mapping[str, str] | None = None,
    ) -> None:
        """Prints a table; numbers are aligned to the right.

        Args:
            title: a line above it.
            columns: their headings.
            rows: lists of str, int, float or None (an empty cell).
            units: {column: "%"}, shown in the headings.
        """
        shown = [(units or {}).get(column, "") for column in columns]
        cells = [[_text(*pair) for pair in zip(row, shown, strict=True)] for row in rows]
        columns = [f"{c} {unit}".rstrip() for c, unit in zip(columns, shown, strict=True)]
        right = [
            all(isinstance(row[i], int | float | None) for row in rows) for i in range(len(columns))
        ]
        if not self.is_terminal:
            self.log(_plain(title, columns, cells, right))
            return
        table = rich.table.Table(
            title=title, title_justify="left", title_style="bold", box=rich.box.SIMPLE_HEAD
        )
        for column, is_number in zip(columns, right, strict=True):
            table.add_column(column, justify="right" if is_number else "left")
        for row in cells:
            table.add_row(*row)
        self.rich.print(table)


class JsonConsole(Console):
    """Prints one JSON object per line: {"message": ...}, a record, or {"table": title, "rows":
    [{column: value}], "units": {column: unit}}."""

    @property
    def is_terminal(self) -> bool:
        return False

    def log(self, text: str = "") -> None:
        self._print({"message": text})

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        units: Mapping[str, str] | None = None,
    ) -> None:
        rows = [dict(zip(columns, row, strict=True)) for row in rows]
        self._print({"table": title, "rows": rows} | ({"units": dict(units)} if units else {}))

    def record(self, text: str, **values: Any) -> None:
        self._print(values)

    def _print(self, value):
        text = json.dumps(files.without_nonfinite(value), default=_finite)
        print(text, file=self.rich.file, flush=True)


class Silent(Console):
    """Prints nothing; for use as a library."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())

    def log(self, text: str = "") -> None:
        pass


def _finite(value):
    """A NumPy or TensorFlow number as JSON has it."""
    return files.without_nonfinite(float(value))


def _text(value, unit=""):
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}" if unit in ("%", "GiB") else f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _plain(title, columns, cells, right):
    widths = [max(len(row[i]) for row in [columns, *cells]) for i in range(len(columns))]

    def line(row):
        aligned = (
            c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)
        )
        return ("  " + "  ".join(aligned)).rstrip()

    return "\n".join([title, line(columns), line(["-" * w for w in widths]), *map(line, cells)])
