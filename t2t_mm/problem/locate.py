"""Where a problem's data is.

Data is stored under `<data_dir>/<builder>/<configuration>/<version>/`, TFDS's own layout. The
builder of what a reader has read is called as the raw layout, and its configuration as the reader.
What is prepared needs neither raw folder nor network again.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from t2t_mm import compat, registry
from t2t_mm.errors import UserError
from t2t_mm.problem.damage import opening


def layout(problem: Any) -> str:
    """Name of the reader that serves the problem's raw data; "" if none does."""
    if problem.generates:
        return "generated"
    return problem.raw_layout or ("" if stock(problem) else problem.dataset)


def stock(problem: Any) -> str:
    """Name of the TFDS data set that needs no raw folder; "" if there is none."""
    return "" if problem.dataset in registry.list_readers() else problem.dataset


def is_built_in(problem: Any) -> bool:
    """Whether the data set is one that a module of ours makes from nothing."""
    return bool(problem.dataset_module) and problem.source is None


def reader(
    problem: Any, folder: str | os.PathLike | None = None, log: Callable[[str], Any] = print
) -> Any:
    """The reader of the problem's raw data; None if it has none.

    Args:
        problem: the problem.
        folder: the raw folder, where it is to read.
        log: function of one str.

    Raises:
        RegistryError: no reader has the name that the problem gives as its `raw_layout`.
    """
    name = layout(problem)
    return registry.reader(name)(problem, folder, log) if name else None


def places(problem: Any, data_dir: str | os.PathLike) -> list[Path]:
    """Where the problem's data may lie; the first that is there is used."""
    raw = reader(problem)
    names = [f"{raw.layout}/{raw.name}" if raw else "", stock(problem)]
    return [Path(data_dir).expanduser() / name for name in names if name]


def newest(place: Path) -> Path | None:
    """The folder of the version under `place` that was prepared last, None if there is none."""
    versions = list(place.glob("*/dataset_info.json"))
    return max(versions, key=lambda path: path.stat().st_mtime).parent if versions else None


def prepared(problem: Any, data_dir: str | os.PathLike) -> Path | None:
    """Folder of the newest prepared version of the problem's data.

    That is what was read from its raw folder, or else the stock data set; None if neither is there.
    """
    return next(filter(None, map(newest, places(problem, data_dir))), None)


def find(problem: Any, data_dir: str | os.PathLike) -> Any:
    """The TFDS builder of the problem's prepared data.

    Raises:
        UserError: nothing is prepared.
    """
    if path := prepared(problem, data_dir):
        return open_data(path)
    where = " or ".join(map(str, places(problem, data_dir)))
    raise UserError(
        f"{problem.name} is not prepared: there is no data in {where}. Run with --generate_data "
        f"(and with --raw_dir where the data is yours)."
    )


def open_data(path: Path) -> Any:
    """The TFDS builder of the data set in a folder; UserError if it is damaged."""
    import tensorflow_datasets as tfds

    with compat.quiet_tfds(), opening(path):
        return tfds.builder_from_directory(path)
