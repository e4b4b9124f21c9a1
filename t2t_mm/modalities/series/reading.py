"""Rows of numbers as a person gives them."""

import json
from typing import Any

import numpy as np

from t2t_mm.files import LONGEST_LINE


def is_json(value: Any) -> bool:
    """Whether a text is rows of numbers, and not the path of a file."""
    return isinstance(value, str) and value.lstrip().startswith("[")


def parsed(text: str) -> Any:
    """What JSON has, such as "[[0.5, -1], [0.25, 0]]"; ValueError if it is none."""
    if len(text) > LONGEST_LINE:
        raise ValueError(f"longer than {LONGEST_LINE:,} characters: give the path of a NumPy file")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    except ValueError as error:
        hint = 'a path that begins with "[" is written ./[...'
        raise ValueError(f"no rows of numbers as JSON: {error}; {hint}") from None


def checked(value: Any, channels: int) -> np.ndarray:
    """Rows of finite numbers as float32 [length, channels].

    Args:
        value: an array or nested lists [length, channels]; of one channel also [length].
        channels: how many numbers each row has to have.

    Raises:
        ValueError: they are none; it says what was expected.
    """
    wanted = f"numbers [length, {channels}] are expected"
    try:
        found = np.asarray(value)
    except ValueError:
        raise ValueError(f"{wanted}, not rows of unequal length") from None
    if found.ndim == 1 == channels:
        found = found[:, None]
    if not found.size:
        raise ValueError(f"{wanted}, not an empty series")
    if found.ndim != 2 or found.shape[1] != channels or found.dtype.kind not in "fiu":
        is_turned = found.ndim == 2 and found.shape[0] == channels and found.dtype.kind in "fiu"
        hint = ": transpose it" if is_turned else ""
        raise ValueError(f"{wanted}, not {found.dtype} {list(found.shape)}{hint}")
    with np.errstate(over="ignore"):
        narrow = found.astype(np.float32)
    if bad := int((~np.isfinite(narrow)).sum()):
        raise ValueError(
            f"{bad:,} of {narrow.size:,} numbers are NaN, infinite or too large for 32 bits"
        )
    return narrow
