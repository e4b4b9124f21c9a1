"""Where a problem's examples come from: prepared data, the user's raw folder, or a stock TFDS data
set.

Data lies under `<data_dir>/<builder>/<configuration>/<version>/`, TFDS's own layout; a reader of
raw folders has the folder's name as its configuration. What is prepared needs neither raw folder
nor network again.
"""

import errno
import importlib
import sys
from pathlib import Path

from t2t_mm.data.readers import configuration
from t2t_mm.data.writing.options import DEFAULTS
from t2t_mm.errors import UserError

# What has to be in a raw folder, for messages; {0} and {1} are the keys of inputs and targets.
EXPECTED = {
    "parallel_text": "line-aligned text (train.{0} and train.{1}, validation.{0} and "
    "validation.{1}, ...)",
    "image_folder": "one folder a class (train/<class>/<picture>, validation/<class>/<picture>, "
    "...)",
    "bracketed_trees": "bracketed trees (train.mrg or train/*.mrg, validation.mrg, ..., or the "
    "Penn Treebank's "
    "sections, 02/*.mrg to 23/*.mrg)",
    "coco": "COCO's own layout (annotations/captions_train2017.json and train2017/, "
    "captions_val2017.json, ...)",
    "kaldi": "Kaldi folders (train/wav.scp and train/text, validation/wav.scp and "
    "validation/text, ...)",
}
_BUILT_IN = ("mini_world",)  # data sets of datasets/ that read nothing


def prepared(problem, data_dir):
    """Folder of the newest prepared version of the problem's data: from its raw folder, else of the
    stock data set; None if neither is there."""
    return next(filter(None, map(_newest, _places(problem, data_dir))), None)


def find(problem, data_dir):
    """The TFDS builder of the problem's prepared data.

    Raises:
      UserError: if nothing is prepared.
    """
    if path := prepared(problem, data_dir):
        return _open(path)
    places = " or ".join(map(str, _places(problem, data_dir)))
    raise UserError(
        f"{problem.name} is not prepared: there is no data in {places}. Run with --generate_data "
        f"(and with --raw_dir where the data is yours)."
    )


def prepare(problem, data_dir, raw_dir=None, log=print, options=DEFAULTS):
    """Prepares the data of one problem, unless it is prepared; see Problem.prepare."""
    folder = _raw_folder(problem, raw_dir)
    if done := _newest(_places(problem, data_dir)[0]) if folder else prepared(problem, data_dir):
        _tell_other_origin(problem, done, folder, log)
        return
    if not folder and not _stock(problem) and not _generates(problem):
        where = f"{raw_dir or '<raw_dir>'}/{problem.folder}" + (
            "" if raw_dir else " (no --raw_dir is given)"
        )
        raise UserError(
            f"{problem.name} reads data that has to be yours, but there is no folder "
            f"{where}. It is to hold "
            f"{_expected(problem)}.{_where_from(problem)}{_meanwhile(problem)}"
        )
    try:
        Path(data_dir).expanduser().mkdir(parents=True, exist_ok=True)
        if folder or _generates(problem):
            from t2t_mm.data.readers import raw_builder

            raw_builder(problem, folder, data_dir, _layout(problem), log).prepare(options)
        elif is_built_in(problem):
            _build_ours(problem, data_dir)
        else:
            _download(problem, data_dir, options)
    except Exception as error:
        is_stock = not (folder or _generates(problem) or is_built_in(problem))
        raise _for_the_user(error, problem, data_dir, raw_dir, is_stock) from error


def cannot_write(error, data_dir) -> bool:
    """Whether an error is one of writing under `data_dir`: a full disk, no permission, a file in
    the way."""
    if not isinstance(error, OSError):
        return False
    return error.errno in (errno.ENOSPC, errno.EDQUOT) or str(error.filename or "").startswith(
        str(data_dir)
    )


def _generates(problem) -> bool:
    from t2t_mm.problem.base import Problem

    return type(problem).generate is not Problem.generate


def _layout(problem) -> str:
    """Which reader of datasets/ serves the problem's raw folder; "" if none does."""
    named = problem.dataset if problem.dataset in EXPECTED else ""
    return "generated" if _generates(problem) else problem.raw_layout or named


def _stock(problem) -> str:
    """Name of the TFDS data set that needs no raw folder; "" if there is none."""
    return "" if problem.dataset in EXPECTED else problem.dataset


def is_built_in(problem) -> bool:
    """Whether the data set is one of ours that reads nothing."""
    return _stock(problem).partition("/")[0] in _BUILT_IN


def _places(problem, data_dir) -> list:
    """Where the problem's data may lie; the first that is there is taken."""
    layout = _layout(problem)
    raw = [f"{layout}/{configuration(problem, layout)}"] if layout else []
    return [Path(data_dir).expanduser() / place for place in [*raw, _stock(problem)] if place]


def _newest(place):
    """The folder of the version under `place` that was prepared last, None if there is none."""
    versions = list(place.glob("*/dataset_info.json"))
    return max(versions, key=lambda path: path.stat().st_mtime).parent if versions else None


def _open(path):
    import tensorflow_datasets as tfds

    from t2t_mm.data.readers.raw import quiet

    with quiet():
        return tfds.builder_from_directory(path)


def _raw_folder(problem, raw_dir):
    """The problem's raw folder, None if there is none; for a `generate`, `raw_dir` itself."""
    if not _layout(problem) or raw_dir is None:
        return None
    raw_dir = Path(raw_dir).expanduser()
    if not raw_dir.is_dir():
        raise UserError(
            f"There is no folder --raw_dir={raw_dir}. It is to hold one folder a problem, here "
            f"{problem.folder}."
        )
    folder = raw_dir if _generates(problem) else raw_dir / problem.folder
    return folder if folder.is_dir() else None


def _tell_other_origin(problem, done, folder, log):
    """Says so when the prepared data came from another raw folder than the one that is given
    now."""
    origin = (_open(done).info.metadata or {}).get("folder") if folder else None
    if origin and Path(origin).resolve() != folder.resolve():
        log(
            f"{problem.name}: prepared already, from {origin} and not from {folder}. To prepare "
            "it anew, "
            f"delete {done}."
        )


def _build_ours(problem, data_dir):
    import tensorflow_datasets as tfds

    from t2t_mm.data.readers.raw import quiet

    importlib.import_module(
        f"t2t_mm.data.{problem.dataset.partition('/')[0]}"
    )  # makes it known to TFDS
    builder = tfds.builder(problem.dataset, data_dir=data_dir)
    builder._log_download_bytes = builder._log_download_done = lambda: None  # nothing is downloaded
    with quiet():
        builder.download_and_prepare()


def _download(problem, data_dir, options):
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download import downloader

    downloader.MAX_RETRIES = (
        5  # seconds until we say that there is no network, where TFDS's 10 take minutes
    )
    (tfds.enable_progress_bar if sys.stderr.isatty() else tfds.disable_progress_bar)()
    builder = tfds.builder(problem.dataset, data_dir=data_dir)
    builder.download_and_prepare(download_config=options.download_config())


def _for_the_user(error, problem, data_dir, raw_dir, is_stock):
    """What a user can do about an error of preparation; the error itself where that is nothing."""
    chain = [error]  # TFDS wraps the errors of what it calls
    while after := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(after)
    for link in chain:
        if isinstance(link, UserError):
            return link
        if cannot_write(link, data_dir):
            return UserError(
                f"{problem.name} could not be written to {data_dir}: {link}. Make room or give "
                f"another --data_dir; nothing half-written is taken for data."
            )
    return _about_stock(error, problem, raw_dir) if is_stock else error


def _about_stock(error, problem, raw_dir):
    from tensorflow_datasets.core.registered import DatasetNotFoundError

    if isinstance(error, DatasetNotFoundError):
        return UserError(
            f"{problem.name}: TFDS knows no data set {problem.dataset!r}. Correct `dataset` in "
            f"{type(problem).__module__}.{type(problem).__name__}."
        )
    absent = (
        f"there is no folder {raw_dir}/{problem.folder}, and "
        if raw_dir and _layout(problem)
        else ""
    )
    manual = "manual" in str(error).lower()
    needs = (
        "has to be fetched by hand" if manual else "could not be downloaded, which needs a network"
    )
    own = _where_from(problem, "<data_dir>/downloads/manual, or --manual_dir") if manual else ""
    if _layout(problem):
        own += (
            f" Or put your data into <raw_dir>/{problem.folder} and give --raw_dir: "
            f"{_expected(problem)}."
        )
    return UserError(
        f"{problem.name}: {absent}the stock data set {problem.dataset} {needs}: "
        f"{' '.join(str(error).split()).rstrip('.')}.{own}{_meanwhile(problem)}"
    )


def _expected(problem) -> str:
    return EXPECTED.get(_layout(problem), "").format(problem.input_key, problem.target_key)


def _where_from(problem, place="") -> str:
    """Which files to get by hand, from where, into which folder."""
    source = problem.source
    if not source or not source.by_hand:
        return ""
    return (
        f" Get {source.by_hand} from {source.page}{f' and put them into {place}' if place else ''}."
    )


def _meanwhile(problem) -> str:
    """What to try instead: a free problem of the kind, and the built-in twin, which needs no
    data."""
    from t2t_mm import registry

    free = problem.source.free if problem.source else ""
    if free and not free.startswith("mini_"):
        return f" Meanwhile --problems={free} does about the same with data that is free."
    twin = "mini_" + problem.name.removeprefix("wmt_").removeprefix("wsj_").removeprefix("coco_")
    return (
        f" Meanwhile --problems={twin} runs without any data."
        if twin in registry.list_problems()
        else ""
    )
