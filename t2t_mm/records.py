"""Reading what an earlier process wrote down: JSON files of a stated shape.

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
from collections.abc import Mapping
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
