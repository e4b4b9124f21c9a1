"""Trained models by name: `t2t_mm.load("mini8")`.

A preset is an export in a folder of that name, `~/.cache/t2t_mm/presets/mini8`, or wherever
T2T_MM_PRESETS says. `t2t-mm-preset` makes it; an archive that it has packed is unpacked there.
"""

import os
import re
from pathlib import Path
from typing import Any

from t2t_mm.errors import UserError

VARIABLE = "T2T_MM_PRESETS"
# Name -> the options of the run whose export it is.
RECIPES: dict[str, dict[str, Any]] = {
    "mini8": {"problems": "mini8", "hparams_set": "multimodel_tiny", "train_steps": 2000},
}


def folder() -> Path:
    """Where presets are: T2T_MM_PRESETS, or t2t_mm/presets in the user's cache."""
    if given := os.environ.get(VARIABLE):
        return Path(given).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "t2t_mm/presets"


def found(model: str | os.PathLike) -> Path:
    """The folder of a model: the given one, or else, if there is none, the preset of that name.

    Raises:
        UserError: it is the name of a preset that is not there.
    """
    path = Path(model).expanduser()
    name = os.fspath(model)
    if path.exists() or not re.fullmatch(r"\w[\w-]*", name):
        return path
    preset = folder() / name
    if preset.is_dir():
        return preset
    if name in RECIPES:
        raise UserError(
            f"There is no directory {name} here, and no preset {name} in {folder()}. Make it with "
            f"t2t-mm-preset --preset={name}, or unpack its archive there ({VARIABLE} names another "
            "place)."
        )
    return path
