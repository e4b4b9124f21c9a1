"""Reading what an earlier process wrote down: JSON, and JSON lines, of a stated shape.

    class Status(TypedDict, total=False):
        state: str
        step: int

    records.read_json("out/status.json", Status, "Delete it.")

Whatever is wrong with a file (no file, no JSON, no such shape, far too large) is a UserError that
names it, and says what to do.
"""

import json
import os
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from t2t_mm import files
from t2t_mm.errors import UserError

LARGEST = 2**26  # bytes of a record: those of a run have some thousand
_NUMBER = 2**63  # what a whole number stays below


def read_json(path: str | os.PathLike, shape: Any = dict[str, Any], remedy: str = "") -> Any:
    """The value in a JSON file.

    Args:
        path: of the file.
        shape: what it has to be: a type; list[...], dict[str, ...], unions of them; a TypedDict,
            whose object may hold other keys too; Any.
        remedy: what a user can do where it isn't, as a sentence.

    Raises:
        UserError: it can't be read, or is of another shape.
    """
    try:
        value = files.read_json(path, LARGEST)
        reason = misfit(value, shape)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    if reason:
        raise UserError(f"{os.fspath(path)} can't be read: {reason}. {remedy}".rstrip())
    return value


def read_lines(
    path: str | os.PathLike, shape_of: Callable[[Any], Any], remedy: str = ""
) -> list[Any]:
    """The values in a file of JSON lines; [] if there is no file. An end without a line feed is
    left out: it is being written, or a kill cut it off.

    Args:
        path: of the file.
        shape_of: the shape that a value has to have, as of `read_json`.
        remedy: what a user can do where it hasn't, as a sentence.

    Raises:
        UserError: a line can't be read, or is of another shape; it is named.
    """
    if not os.path.lexists(path):
        return []
    try:
        *lines, _ = files.content(path, LARGEST).split(b"\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{os.fspath(path)} can't be read: {reason}.") from error
    values = []
    for number, line in enumerate(lines, 1):
        try:
            value = json.loads(line)
            reason = misfit(value, shape_of(value))
        except RecursionError:
            reason = "nested too deep"
        except ValueError as error:
            reason = str(error)[:200]
        if reason:
            raise UserError(
                f"{os.fspath(path)}, line {number}, can't be read: {reason}. {remedy}".rstrip()
            )
        values.append(value)
    return values


def append_line(path: str | os.PathLike, value: Any) -> None:
    """Appends a value to a file of JSON lines, without an end that a kill has cut off: the line
    would continue it. Raises an OSError if that can't be written."""
    text = json.dumps(files.without_nonfinite(value), ensure_ascii=False, allow_nan=False)
    with open(path, "ab+") as file:
        _cut_torn(file)
        file.write(f"{text}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def _cut_torn(file: Any) -> None:
    """Drops an end without a line feed."""
    if not file.tell():
        return
    file.seek(-1, os.SEEK_END)
    if file.read(1) != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


def misfit(value: Any, shape: Any, where: str = "it") -> str:
    """What keeps a value that JSON gave from being of a shape, "" if nothing does; see
    `read_json`."""
    inner, kind = typing.get_args(shape), typing.get_origin(shape) or shape
    if kind in (typing.Union, types.UnionType):
        found = [misfit(value, each, where) for each in inner]
        return "" if "" in found else found[0]
    if typing.is_typeddict(kind):
        return _object_misfit(value, kind, where)
    if kind is Any or not isinstance(kind, type):  # or what only a type checker knows
        return ""
    if not _is(value, kind):
        return f"{where} is {_shown(value)}, where {_NAMES.get(kind, kind.__name__)} is expected"
    items = value.items() if isinstance(value, dict) else enumerate(value) if inner else ()
    each = inner[0 if kind is tuple else -1] if inner else Any  # of tuple[..., ...], dict[str, ...]
    return next(filter(None, (misfit(v, each, f"{k!r} in {where}") for k, v in items)), "")


def _object_misfit(value: Any, shape: Any, where: str) -> str:
    if not isinstance(value, dict):
        return misfit(value, dict, where)
    for key, each in typing.get_type_hints(shape).items():
        if key in value and (reason := misfit(value[key], each, f"{key!r} in {where}")):
            return reason
        if key not in value and key in shape.__required_keys__:
            return f"{key!r} is missing in {where}"
    return ""


_NAMES: Mapping[type, str] = {
    dict: "an object",
    list: "a list",
    tuple: "a list",
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    types.NoneType: "null",
}


def _is(value: Any, kind: type) -> bool:
    """Whether JSON's value is of a type: its lists serve as tuples, its whole numbers as floats."""
    if isinstance(value, bool):
        return kind is bool
    if isinstance(value, int) and kind in (int, float):
        return abs(value) < _NUMBER
    return isinstance(value, list | tuple if kind is tuple else kind)


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
