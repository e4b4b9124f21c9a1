"""Where a problem's data is.

Data is stored under `<data_dir>/<builder>/<configuration>/<version>/`, TFDS's own layout. The
builder of what a reader has read is called as the raw layout, and its configuration as the reader.
What is prepared needs neither raw folder nor network again.
"""

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from t2t_mm import compat, records, registry
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
    """Whether the data set is one that a module of ours, or of a user's, makes from nothing."""
    return bool(problem.dataset_module) and problem.source is None


def licence(problem: Any) -> str:
    """The licence of the problem's data; "" where the problem states none."""
    if is_built_in(problem):
        return "Apache-2.0"
    return problem.source.licence if problem.source else ""


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
    if stock(problem) and compat.is_tfds_mocked():
        return _mocked(problem, data_dir)
    where = " or ".join(map(str, places(problem, data_dir)))
    raise UserError(
        f"{problem.name} is not prepared: there is no data in {where}. Run with --generate_data "
        f"(and with --raw_dir where the data is yours)."
    )


def _mocked(problem, data_dir):
    """The stock data set as `tfds.testing.mock_data` has it, with all the splits that are named."""
    import tensorflow_datasets as tfds

    builder = tfds.builder(stock(problem), data_dir=data_dir)
    names = {part: None for name in problem.stock_splits.values() for part in name.split("+")}
    if not builder.info.splits:
        counts = {name: int(builder.as_dataset(split=name).cardinality()) for name in names}
        infos = [
            tfds.core.SplitInfo(name=name, shard_lengths=[count], num_bytes=0)
            for name, count in counts.items()
        ]
        builder.info.set_splits(tfds.core.SplitDict(infos))
    return builder


def open_data(path: Path) -> Any:
    """The TFDS builder of the data set in a folder.

    Raises:
        UserError: it is damaged, or its features are of a class that is not TFDS's own, which would
            be imported.
    """
    import tensorflow_datasets as tfds

    with compat.quiet_tfds(), opening(path):
        _check_features(path / "features.json")
        return tfds.builder_from_directory(path)


def _check_features(path):
    for name in _classes_in(records.read_json(path, Any)):
        if not name.startswith("tensorflow_datasets."):
            raise UserError(
                f"{path} names the Python class {name[:200]!r}, which would be imported to read "
                "the data. TFDS's own features alone are read: prepare the data with those."
            )


def _classes_in(content):
    """The names of Python classes in what TFDS has written of features, at any depth."""
    if isinstance(content, list):
        for each in content:
            yield from _classes_in(each)
    elif isinstance(content, dict):
        for key, value in content.items():
            if key in ("type", "pythonClassName", "python_class_name") and isinstance(value, str):
                yield value
            elif key == "content" and isinstance(value, str):  # as older versions wrote it
                with contextlib.suppress(ValueError):
                    yield from _classes_in(json.loads(value))
            else:
                yield from _classes_in(value)
