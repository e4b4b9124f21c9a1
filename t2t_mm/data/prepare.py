"""Preparation: the data of every problem, then the vocabularies that they name."""

import errno
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from t2t_mm.data import stock, vocabularies
from t2t_mm.data.writing.options import DEFAULTS, Options
from t2t_mm.errors import UserError
from t2t_mm.problem import locate
from t2t_mm.problem.base import Problem, check_nets

# Errors of writing, whatever the file.
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
_OF_TENSORFLOW = ("ResourceExhaustedError", "PermissionDeniedError")


def prepare(
    problems: Iterable[Any],
    data_dir: str | os.PathLike,
    raw_dir: str | os.PathLike | None = None,
    log: Callable[[str], Any] = print,
    options: Options = DEFAULTS,
    missing: list[UserError] | None = None,
) -> list[Any]:
    """Prepares data and vocabularies; what is there already is left as it is.

    Args:
        problems: from the registry, configured by the run's hparams (`Problem.configure`).
        data_dir: where to write.
        raw_dir: the user's data, one folder per problem.
        log: gets one line for each step.
        options: how to prepare the data.
        missing: a list that takes the UserError of each problem whose data is missing or broken, so
            that the others are prepared; None to stop at the first.

    Returns:
        The problems prepared, located (`Problem.located`).

    Raises:
        UserError: data is missing or broken, or can't be written.
    """
    located = []
    for problem in problems:
        try:
            located.append(_prepare_and_count(problem, data_dir, raw_dir, log, options))
        except UserError as error:
            if missing is None:
                raise
            missing.append(error)
            log(f"{problem.name}: not prepared, see the end")
    vocabularies.prepare(located, data_dir, log)
    return located


def resolve(
    problems: Iterable[Any], data_dir: str | os.PathLike, hparams: Any = None
) -> list[Problem]:
    """All problems resolved, and checked to agree on the nets that they share.

    Raises:
        UserError: something is not prepared, or two problems disagree.
    """
    resolved = [problem.resolve(data_dir, hparams) for problem in problems]
    check_nets(resolved)
    return resolved


def _prepare_and_count(problem, data_dir, raw_dir, log, options):
    start = time.monotonic()
    prepare_data(problem, data_dir, raw_dir, log, options)
    located = problem.located(data_dir)
    counts = ", ".join(f"{count:,} {split}" for split, count in located.splits().items())
    path = located.builder.data_path
    if not counts:
        raise UserError(
            f"{problem.name}: its data set in {path} has no examples in any split. Delete it to "
            f"prepare it again."
        )
    log(f"{problem.name}: {counts} examples in {path} ({time.monotonic() - start:.1f} s)")
    return located


def prepare_data(
    problem: Any,
    data_dir: str | os.PathLike,
    raw_dir: str | os.PathLike | None = None,
    log: Callable[[str], Any] = print,
    options: Options = DEFAULTS,
) -> None:
    """Writes the data set of one problem: its raw folder's if there is one, else the stock one.

    Does nothing where it is prepared. Vocabularies are not made: `prepare` does that, which sees
    all problems.

    Args:
        problem: the problem, or a view of one (`_rev`, `_copy`).
        data_dir, raw_dir, log, options: as of `prepare`.

    Raises:
        UserError: with what was looked for and what to do.
    """
    problem = problem.original
    folder = _raw_folder(problem, raw_dir)
    done = locate.prepared(problem, data_dir)
    if folder:  # then a stock data set is not enough
        done = locate.newest(locate.places(problem, data_dir)[0])
    if done:
        _log_other_origin(problem, done, folder, log)
        return
    is_raw = bool(folder or problem.generates)
    if not is_raw and not locate.stock(problem):
        raise stock.absent(problem, raw_dir)
    try:
        Path(data_dir).expanduser().mkdir(parents=True, exist_ok=True)
        if is_raw:
            from t2t_mm.data.writing import builder

            builder.prepare(locate.reader(problem, folder, log), data_dir, options)
        else:
            stock.prepare(problem, data_dir, options)
    except Exception as error:
        known = _known(error, problem, data_dir, folder)
        if known is None and (is_raw or locate.is_built_in(problem)):
            raise
        raise (known or stock.explained(error, problem, raw_dir)) from error


def _raw_folder(problem, raw_dir):
    """The problem's raw folder, None if there is none; for a `generate`, `raw_dir` itself."""
    if not locate.layout(problem) or raw_dir is None:
        return None
    raw_dir = Path(raw_dir).expanduser()
    if not raw_dir.is_dir():
        raise UserError(
            f"There is no folder --raw_dir={raw_dir}. It is to hold one folder per problem, here "
            f"{problem.folder}."
        )
    folder = raw_dir if problem.generates else raw_dir / problem.folder
    return folder if folder.is_dir() else None


def _log_other_origin(problem, done, folder, log):
    """Logs that prepared data came from another raw folder than the one that is given now."""
    origin = (locate.open_data(done).info.metadata or {}).get("folder") if folder else None
    if origin and Path(origin).resolve() != folder.resolve():
        log(
            f"{problem.name}: prepared already, from {origin} and not from {folder}. To prepare "
            f"it again, delete {done}."
        )


def _known(error, problem, data_dir, folder):
    """The UserError that is behind an error of preparation, None if there is none."""
    chain = [error]  # TFDS wraps the errors of what it calls
    while after := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(after)
    for link in chain:
        if isinstance(link, UserError):
            return link
        if cannot_write(link, data_dir, folder):
            return UserError(
                f"{problem.name} could not be written to {data_dir}: {link}. Make room or give "
                f"another --data_dir; a data set that is not complete is never used."
            )
    return None


def cannot_write(
    error: BaseException, data_dir: str | os.PathLike, raw_folder: str | os.PathLike | None = None
) -> bool:
    """Whether an error is one of writing under `data_dir`: a full disk, no permission, a file in
    the way. One about a file of the raw folder, which may lie under `data_dir`, is of reading."""
    if type(error).__module__.startswith("tensorflow."):  # whose writers have their own exceptions
        return type(error).__name__ in _OF_TENSORFLOW or "No space left" in str(error)
    if not isinstance(error, OSError):
        return False
    if error.errno in _DISK:
        return True
    if error.errno == errno.ENOENT or not isinstance(error.filename, str | bytes | os.PathLike):
        return False
    path = Path(os.fsdecode(error.filename)).absolute()
    is_raw = raw_folder is not None and path.is_relative_to(Path(raw_folder).absolute())
    return path.is_relative_to(Path(data_dir).expanduser().absolute()) and not is_raw
