"""Lines of JSON: `train.jsonl`."""

import json
import pathlib
from collections.abc import Iterator
from typing import Any

from t2t_mm import files, registry
from t2t_mm.data.items import LeftOut
from t2t_mm.data.readers.table import Table


@registry.register_reader
class Jsonl(Table):
    """Lines of JSON: one object per example, with a field for each column.

    A line that is no object, lacks a field or has one twice, holds NaN, or is nested too deep, is a
    broken example.
    """

    def records(self, path: pathlib.Path, columns: list[str]) -> Iterator[tuple[int, Any]]:
        for number, line in files.lines(path):
            yield number, _record(line) if line.strip() else LeftOut("empty lines")


def _record(line):
    """The object that a line holds, or what is wrong with it."""
    if wrong := files.fault(line):
        return wrong
    try:
        found = json.loads(line, object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        return "nested too deep"
    except ValueError as error:
        return f"not JSON: {error}"
    return found if isinstance(found, dict) else "no JSON object"


def _once(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(n for n in names if names.count(n) > 1)[:100]!r} stands twice")
    return found


def _no_number(name):
    raise ValueError(f"{name} is no number")
