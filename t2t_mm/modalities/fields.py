"""The fields of a spec, from what JSON has of it."""

import dataclasses
import typing
from typing import Any

from t2t_mm import records
from t2t_mm.errors import UserError


def fields_of(cls: Any, values: dict[str, Any]) -> dict[str, Any]:
    """The values of a record that are fields of a dataclass; JSON's lists as tuples. A UserError if
    one is of another type than its field."""
    hints, fields = typing.get_type_hints(cls), dataclasses.fields(cls)
    found = {field.name: values[field.name] for field in fields if field.name in values}
    for name, value in found.items():
        if reason := records.misfit(value, hints[name], repr(name)):
            raise UserError(reason)
    return {name: tuple(each) if isinstance(each, list) else each for name, each in found.items()}
