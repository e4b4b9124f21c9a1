"""Specs as a run or an export has recorded them."""

import dataclasses
import json
import os
import typing
from pathlib import Path
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


class Recorded:
    """The part of the contract of a modality that concerns what runs and exports keep of a spec."""

    def record(self: Any) -> dict[str, Any]:
        """The resolved spec, as JSON has it; see `restored`."""
        return json.loads(json.dumps({"kind": self.kind, **dataclasses.asdict(self)}))

    @classmethod
    def from_record(cls, values: dict[str, Any], folder: str | os.PathLike) -> Any:
        """The spec that `record` was of.

        Args:
            values: what `record` gave.
            folder: the output directory that has copies of `assets`.

        Raises:
            UserError: if an asset is missing.
        """
        return cls(**fields_of(cls, values))

    def assets(self) -> list[Path]:
        """Files that a run keeps copies of, under `asset_folder`."""
        return []

    @classmethod
    def essence(cls, values: dict[str, Any]) -> dict[str, Any]:
        """The part of a record that weights depend on: without what stands outside equality."""
        outside = {field.name for field in dataclasses.fields(cls) if not field.compare}
        return {name: value for name, value in values.items() if name not in outside}

    def means_the_same(self: Any, values: dict[str, Any]) -> bool:
        """Whether weights of a net that was trained under a record mean the same in ours."""
        return True

    def described(self: Any) -> dict[str, Any]:
        """What an exported model says of this side, as JSON; see `from_description`."""
        return self.record()

    @classmethod
    def from_description(cls, values: dict[str, Any]) -> Any:
        """The spec of an exported model's side, enough to `read`, `sent` and `answer_from`."""
        return cls(**fields_of(cls, values))


def restored(values: dict[str, Any], folder: str | os.PathLike) -> Any:
    """The spec that a run has recorded; see `Modality.from_record`."""
    return registry.modality(values["kind"]).from_record(values, folder)
