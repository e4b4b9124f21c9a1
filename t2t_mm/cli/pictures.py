"""The flag --picture of commands that draw: one name, under which a PNG and an SVG are written."""

from collections.abc import Callable
from pathlib import Path

from absl import flags

from t2t_mm import files
from t2t_mm.reporting.drawing import FORMS


def define(values: flags.FlagValues, meaning: str) -> None:
    """Adds --picture to the flags of a command."""
    flags.DEFINE_string("picture", None, meaning, flag_values=values)


def check(picture: str) -> Path:
    """The flag's value as a path without its ending, before the work whose result is drawn.

    Raises:
        UserError: a picture can't be written there.
    """
    path = Path(picture).expanduser()
    path = path.with_suffix("") if path.suffix in (".png", ".svg") else path
    for form in FORMS:
        files.check_output(f"{path}.{form}", "picture")
    return path


def write(path: Path, draw: Callable[[str], bytes]) -> str:
    """Writes the picture in each form, and names both files; `draw` is given the form."""
    for form in FORMS:
        files.write_bytes(f"{path}.{form}", draw(form))
    return " and ".join(f"{path}.{form}" for form in FORMS)
