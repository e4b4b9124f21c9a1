"""The cells of an example: what a data set holds of it.

A side is one cell, or none, or, where inputs are several, one for each of them: "inputs",
"targets", "inputs/<field>".
"""

from collections.abc import Mapping
from typing import Any

from t2t_mm.modalities.fields import GIVEN

SIDES = ("inputs", "targets")


def cells_of(problem: Any) -> dict[str, Any]:
    """{cell: its modality} of a problem, or a view of one."""
    return {
        f"{side}/{field}" if field else side: spec
        for side in SIDES
        for field, spec in getattr(problem, side).fields.items()
        if spec.is_stored
    }


def keys_of(problem: Any) -> dict[str, str]:
    """{cell: what it is called in the data set's examples}: as `input_key` and `target_key` say;
    one of several inputs by its own name, unless `input_key` is a dict that has another."""
    given = {"inputs": problem.input_key, "targets": problem.target_key}
    keys = {}
    for cell in cells_of(problem):
        side, _, field = cell.partition("/")
        by_field = given[side] if isinstance(given[side], Mapping) else {}
        keys[cell] = by_field.get(field, field) if field else given[side]
    return keys


def optional_in(problem: Any) -> set[str]:
    """The cells that an example may lack."""
    return {f"inputs/{field}" for field in problem.inputs.optional}


def side_of(cell: str) -> str:
    """The side that a cell belongs to."""
    return cell.partition("/")[0]


def flags_of(problem: Any) -> dict[str, str]:
    """{cell: its key} of what says whether an example has what it may lack."""
    keys = keys_of(problem)
    return {cell + GIVEN: keys[cell] + GIVEN for cell in sorted(optional_in(problem))}
