"""Specs as a run or an export has recorded them."""

import dataclasses
import os
import typing
from typing import Any

from t2t_mm import records, registry
from t2t_mm.errors import UserError


def fields_of(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    """The values of a record that are fields of a class; JSON's lists as tuples. A UserError if one
    is of another type than its field."""
    hints, fields = typing.get_type_hints(cls), dataclasses.fields(cls)
    found = {field.name: values[field.name] for field in fields if field.name in values}
    for name, value in found.items():
        if reason := records.misfit(value, hints[name], repr(name)):
            raise UserError(reason)
    return {name: tuple(each) if isinstance(each, list) else each for name, each in found.items()}


def restored(values: dict[str, Any], folder: str | os.PathLike) -> Any:
    """The spec that a run has recorded; see `Modality.from_record`."""
    return registry.modality(values["kind"]).from_record(values, folder)
