"""Data sets that TFDS makes: stock ones, which it downloads, and the built-in mini world.

And the messages for a user whose data is missing.
"""

import importlib
import os
import shutil
import sys
from collections.abc import Container
from pathlib import Path
from typing import Any, ClassVar

from t2t_mm import compat, files, registry
from t2t_mm.data.origin import code, record
from t2t_mm.data.writing import shards
from t2t_mm.data.writing.options import Options
from t2t_mm.errors import UserError
from t2t_mm.problem import locate

# Some seconds until we say that there is no network, where TFDS's 10 take minutes.
RETRIES = 5


def prepare(
    problem: Any,
    data_dir: str | os.PathLike,
    options: Options,
    downloads_in: str | os.PathLike = "",
) -> None:
    """Has TFDS prepare the problem's `dataset` under `data_dir`.

    Args:
        problem: the problem.
        data_dir: where to prepare it.
        options: how.
        downloads_in: the data directory that downloads are kept in, if that is another.

    Raises:
        UserError: the problem's `dataset_module` can't be imported.
        Exception: whatever TFDS raises; see `explained`.
    """
    import tensorflow_datasets as tfds

    _import(problem)
    if locate.is_built_in(problem):
        _make(problem, Path(data_dir).expanduser())
    else:
        compat.limit_download_retries(RETRIES)
        (tfds.enable_progress_bar if sys.stderr.isatty() else tfds.disable_progress_bar)()
        builder = tfds.builder(problem.dataset, data_dir=data_dir)
        elsewhere: dict[str, Any] = {}
        if downloads_in and str(downloads_in) != str(data_dir):
            elsewhere["download_dir"] = Path(downloads_in).expanduser() / "downloads"
        builder.download_and_prepare(download_config=options.download_config(), **elsewhere)
    if made_by := maker(problem):
        folder = tfds.builder(problem.dataset, data_dir=data_dir).data_path
        known = record.read(folder) | {record.KEY: record.of(made_by, made_by.stamps)}
        files.write_json(folder / "metadata.json", known)


class Maker:
    """The class of a user's own TFDS data set, as a reader: what its data was made from is its
    code."""

    path = ""
    stamps: ClassVar[dict[str, Any]] = {}

    def __init__(self, builder_class: Any):
        self.builder_class = builder_class
        self.VERSION = str(builder_class.VERSION)

    def settings(self) -> dict[str, Any]:
        return {}

    def code(self) -> dict[str, str]:
        return code.digests(self.builder_class, self.builder_class)

    def restamped(self, splits: dict[str, Any]) -> dict[str, Any]:
        return {}

    def found_since(self, recorded: dict[str, Any], there: Container[str]) -> list[str]:
        return []


def maker(problem: Any) -> Maker | None:
    """Who makes the problem's stock data set; None if that is not of a user's own module."""
    import tensorflow_datasets as tfds

    if not problem.dataset_module or problem.dataset_module.startswith("t2t_mm."):
        return None
    _import(problem)
    return Maker(tfds.builder_cls(problem.dataset.partition("/")[0]))


def _make(problem, data_dir):
    """Makes a data set that is made from nothing, one process at a time."""
    import tensorflow_datasets as tfds

    work = data_dir / problem.dataset / shards.UNFINISHED
    with shards.alone(work), compat.quiet_tfds():
        builder = tfds.builder(problem.dataset, data_dir=data_dir)
        builder = compat.without_download_notes(builder)
        builder.download_and_prepare(download_dir=work / "downloads")  # there are none
        shutil.rmtree(work, ignore_errors=True)  # as after raw folders


def _import(problem):
    """Makes the data set known to TFDS."""
    if not problem.dataset_module:
        return
    try:
        importlib.import_module(problem.dataset_module)
    except ImportError as error:
        raise UserError(
            f"{problem.name}: its dataset_module {problem.dataset_module!r} can't be imported: "
            f"{error}."
        ) from error


def absent(problem: Any, raw_dir: str | os.PathLike | None) -> UserError:
    """For a problem that has no stock data set, and whose raw folder is not there."""
    where = f"{raw_dir or '<raw_dir>'}/{problem.folder}"
    where += "" if raw_dir else " (no --raw_dir is given)"
    return UserError(
        f"{problem.name} needs data that you provide, but there is no folder {where}. It should "
        f"hold {_expected(problem)}.{_by_hand(problem)}{_meanwhile(problem)}"
    )


def explained(error: Exception, problem: Any, raw_dir: str | os.PathLike | None) -> UserError:
    """What a user can do about an error of TFDS with a stock data set."""
    import tensorflow_datasets as tfds

    if isinstance(error, tfds.core.DatasetNotFoundError):
        return UserError(
            f"{problem.name}: TFDS knows no data set {problem.dataset!r}. Correct `dataset` in "
            f"{type(problem).__module__}.{type(problem).__name__}."
        )
    has_layout = bool(locate.layout(problem))
    no_folder = (
        f"there is no folder {raw_dir}/{problem.folder}, and " if raw_dir and has_layout else ""
    )
    is_manual = "manual" in str(error).lower()
    needs = (
        "has to be fetched by hand"
        if is_manual
        else "could not be downloaded, which needs a network"
    )
    ways = _by_hand(problem, "<data_dir>/downloads/manual, or --manual_dir") if is_manual else ""
    if has_layout:
        ways += (
            f" Or put your data into <raw_dir>/{problem.folder} and give --raw_dir: "
            f"{_expected(problem)}."
        )
    return UserError(
        f"{problem.name}: {no_folder}the stock data set {problem.dataset} {needs}: "
        f"{' '.join(str(error).split()).rstrip('.')}.{ways}{_meanwhile(problem)}"
    )


def _expected(problem) -> str:
    reader = locate.reader(problem)
    return reader.expected() if reader else ""


def _by_hand(problem, place="") -> str:
    """Which files to get by hand, from where, into which folder."""
    source = problem.source
    if not source or not source.by_hand:
        return ""
    into = f" and put them into {place}" if place else ""
    return f" Get {source.by_hand} from {source.page}{into}."


def _meanwhile(problem) -> str:
    """What to try instead: a free problem of the kind, or the built-in twin, which needs no
    data."""
    free = problem.source.free if problem.source else ""
    if free and not free.startswith("mini_"):
        return f" Meanwhile --problems={free} is a similar problem with free data."
    twin = "mini_" + problem.name.removeprefix("wmt_").removeprefix("wsj_").removeprefix("coco_")
    is_there = twin in registry.list_problems()
    return f" Meanwhile --problems={twin} runs without any data." if is_there else ""
