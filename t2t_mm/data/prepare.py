"""Preparation: the data of every problem, then the vocabularies that they name."""

import errno
import functools
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from t2t_mm.data import held_out, remaking, stock, upkeep, vocabularies
from t2t_mm.data.origin import record
from t2t_mm.data.writing.options import DEFAULTS, Options
from t2t_mm.errors import UserError
from t2t_mm.files import check_local
from t2t_mm.problem import locate
from t2t_mm.problem.base import Problem, alike, check_nets
from t2t_mm.quiet import import_tensorflow

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
    """Prepares data and vocabularies; what is there already is left as it is, unless
    `options.again` says otherwise. Splits that were added to the raw data are prepared alone, and
    what else has changed there is logged.

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
    check_local(data_dir, "data_dir")
    check_local(raw_dir or "", "raw_dir")
    import_tensorflow()
    problems, prepared = list(problems), []
    vocabularies.check(problems, data_dir, options.again)
    done = set()  # places of data sets: wmt_ende and wmt_deen have one
    for problem in problems:
        start = time.monotonic()
        places = tuple(locate.places(problem.original, data_dir))
        try:
            if places not in done:
                prepare_data(problem, data_dir, raw_dir, log, options)
            prepared.append(_counted(problem, data_dir, log, start))
            done.add(places)
        except UserError as error:
            if missing is None:
                raise
            missing.append(error)
            log(f"{problem.name}: not prepared, see the end")
    vocabularies.prepare(prepared, data_dir, log, options.again)
    return prepared


def resolve(
    problems: Iterable[Any],
    data_dir: str | os.PathLike,
    hparams: Any = None,
    log: Callable[[str], Any] = print,
) -> list[Problem]:
    """All problems resolved, and checked to agree on the nets that they share.

    Args:
        problems: from the registry.
        data_dir: where they are prepared.
        hparams: of the run, if there is one.
        log: gets a line where data is no longer what it was made from, and where the model can't
            tell two problems apart.

    Raises:
        UserError: something is not prepared, or two problems disagree.
    """
    check_local(data_dir, "data_dir")
    import_tensorflow()
    problems = list(problems)
    resolved = [problem.resolve(data_dir, hparams) for problem in problems]
    check_nets(resolved)
    for line in alike(resolved):
        log(line)
    tell_of_changes(resolved, log)
    vocabularies.tell(problems, data_dir, log)
    return resolved


def located(
    problems: Iterable[Any], data_dir: str | os.PathLike, log: Callable[[str], Any] = print
) -> list[Problem]:
    """Problems that have the specs of a run, located; arguments as of `resolve`.

    Raises:
        UserError: something is not prepared.
    """
    found = [problem.located(data_dir) for problem in problems]
    tell_of_changes(found, log)
    return found


def tell_of_changes(problems: Iterable[Any], log: Callable[[str], Any]) -> None:
    """Logs a line for each data set, of located problems, that is no longer what it was made
    from."""
    for path, problem in {str(problem.builder.data_path): problem for problem in problems}.items():
        upkeep.tell(problem.original, Path(path), log)


def _counted(problem, data_dir, log, start):
    """The problem, located; says how many examples it has."""
    located = problem.located(data_dir)
    counts = ", ".join(f"{count:,} {split}" for split, count in located.splits().items())
    path = located.builder.data_path
    if not counts:
        raise UserError(
            f"{problem.name}: its data set in {path} has no examples in any split. Delete it to "
            f"prepare it again."
        )
    if "train" not in located.splits():
        log(f"{problem.name}: it has no training split, so it can only be used for evaluation")
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

    Where it is prepared, splits that were added are prepared alone. Vocabularies are not made:
    `prepare` does that, which sees all problems.

    Args:
        problem: the problem, or a view of one (`_rev`, `_copy`).
        data_dir, raw_dir, log, options: as of `prepare`.

    Raises:
        UserError: with what was looked for and what to do.
    """
    problem = problem.original
    problem.check_source()
    folder = _raw_folder(problem, raw_dir)
    done = locate.prepared(problem, data_dir)
    if folder:  # then a stock data set is not enough
        done = locate.newest(locate.places(problem, data_dir)[0])
    if options.again and done and not folder:
        folder = _origin(problem, done)
    is_raw = bool(folder or problem.generates)
    if done and not options.again:
        is_raw, work = True, functools.partial(upkeep.bring_up, problem, done, folder, log, options)
    elif not is_raw and not locate.stock(problem):
        raise stock.absent(problem, raw_dir)
    else:
        make = functools.partial(_make, problem, folder, data_dir, log, options)
        work = functools.partial(remaking.replace, make, problem, data_dir, log)
        work = work if done else functools.partial(make, data_dir)
    try:
        Path(data_dir).expanduser().mkdir(parents=True, exist_ok=True)
        work()
    except Exception as error:
        known = _known(error, problem, data_dir, folder)
        if known is None and (is_raw or locate.is_built_in(problem)):
            raise
        raise (known or stock.explained(error, problem, raw_dir)) from error


def _make(problem, folder, data_dir, log, options, into):
    """Prepares the data set of a problem in the directory `into`."""
    if folder or problem.generates:
        from t2t_mm.data.writing import builder

        builder.prepare(held_out.reader(problem, folder, log, options.hold_out), into, options)
    else:
        if options.hold_out or problem.hold_out:
            log(f"{problem.name}: nothing is held out, as the stock data set has its own splits")
        stock.prepare(problem, into, options, data_dir)


def _raw_folder(problem, raw_dir):
    """The problem's raw folder, None if there is none; for a `generate`, `raw_dir` itself."""
    if not locate.layout(problem) or raw_dir is None:
        return None
    raw_dir = Path(raw_dir).expanduser()
    if not raw_dir.is_dir():
        raise UserError(
            f"There is no folder --raw_dir={raw_dir}. It should hold one folder per problem, here "
            f"{problem.folder}."
        )
    folder = raw_dir if problem.generates else raw_dir / problem.folder
    return folder if folder.is_dir() else None


def _origin(problem, done):
    """The raw folder that prepared data came from, None if it came from none; UserError if it is
    gone."""
    origin = record.read(done).get("folder")
    if origin and not Path(origin).is_dir():
        raise UserError(
            f"{problem.name}: {done} was prepared from {origin}, which is no longer there. Give "
            "--raw_dir to prepare it again."
        )
    return Path(origin) if origin else None


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
