"""Trains the vocabularies that problems name, over all the text of those that name them."""

import hashlib
import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypedDict

import numpy as np

from t2t_mm import records, registry
from t2t_mm.errors import UserError
from t2t_mm.modalities.language.units import UNITS
from t2t_mm.modalities.language.vocabulary import metadata_path
from t2t_mm.modalities.language.vocabulary_training import TRAINERS, check_size
from t2t_mm.problem import damage, keys, locate
from t2t_mm.problem.cells import cells_of, side_of

# Characters of text that a vocabulary of a wanted size is trained on, divided evenly among the
# sides that name it. More teach it little, and 8k subwords take about 15 seconds.
CHARACTERS_PER_PIECE = 500


class _Data(TypedDict, total=False):
    data: str


class _Source(_Data):
    problem: str
    side: str


class _Record(TypedDict, total=False):
    sources: list[_Source]  # those of the text that a vocabulary was trained on
    size: int
    wanted: int  # not recorded by older versions


def check(problems: Iterable[Any], data_dir: str | os.PathLike, again: bool = False) -> None:
    """Refuses vocabularies that can't be trained, before data is made for them.

    Args:
        problems: those that name them.
        data_dir: where they are, or will be.
        again: whether those that are there are trained again.

    Raises:
        UserError: one has too few pieces, or two problems ask for different ones of one name.
    """
    for spec in _asked_for(problems).values():
        is_new = again or not spec.vocab_path(data_dir).exists()
        if UNITS[spec.units].is_sized and is_new:
            check_size(spec.vocab, spec.size)


def prepare(
    problems: list[Any],
    data_dir: str | os.PathLike,
    log: Callable[[str], Any] = print,
    again: bool = False,
) -> None:
    """Trains what is missing; a vocabulary that is there already stays as it is.

    It is trained on the training text of all `problems` that name it, and of every other registered
    problem that names it and is prepared in `data_dir`, in equal parts (`CHARACTERS_PER_PIECE`).

    Args:
        problems: located problems.
        data_dir: where data is prepared, and where vocabularies are written.
        log: gets one line for each vocabulary.
        again: whether those that are there are trained again.

    Raises:
        UserError: two problems ask for different vocabularies of one name, or one can't be written.
    """
    for spec in _asked_for(problems).values():
        users = [problem for problem in problems if spec in _named_by(problem).values()]
        path = spec.vocab_path(data_dir)
        if path.exists() and not again:
            _log_other_size(path, spec, log)
            _log_who_joins(path, spec, users, log)
        else:
            _train(path, spec, users + _others(spec, problems, data_dir), log)


def tell(problems: Iterable[Any], data_dir: str | os.PathLike, log: Callable[[str], Any]) -> None:
    """Says of each vocabulary whether it was trained to be of another size than is wanted now."""
    for spec in _asked_for(problems).values():
        if spec.vocab_path(data_dir).exists():
            _log_other_size(spec.vocab_path(data_dir), spec, log)


def _asked_for(problems) -> dict[str, Any]:
    """{name: spec} of the vocabularies that problems name."""
    specs: dict[str, Any] = {}
    for problem in problems:
        for spec in _named_by(problem).values():
            first = specs.setdefault(spec.vocab, spec)
            if first != spec:
                raise UserError(
                    f"The vocabulary {spec.vocab!r} is asked for as {first} and (by "
                    f"{problem.name}) as {spec}. Make them equal, or rename one."
                )
    return specs


def _named_by(problem) -> dict[str, Any]:
    """The sides, or cells of them, that have a vocabulary, with its spec as it was asked for."""
    cells = {cell: spec.vocabulary_of() for cell, spec in cells_of(problem).items()}
    return {cell: spec for cell, spec in cells.items() if spec is not None}


def _train(path, spec, problems, log):
    start = time.monotonic()
    texts = list(_texts(spec, problems))
    used = [source for source, *_ in texts]
    if not used:
        log(f"vocabulary {spec.vocab}: not trained, as no problem that names it has training data")
        return
    before = _fingerprint(path)
    units = UNITS[spec.units]
    size = spec.size if units.is_sized else None
    limit = CHARACTERS_PER_PIECE * size // len(used) if size else None
    lines = itertools.chain.from_iterable(_lines(*each, limit) for each in texts)
    try:
        vocabulary = TRAINERS[spec.units](lines, path, size, sources=used, log=log)
    except OSError as error:
        raise UserError(
            f"The vocabulary {spec.vocab!r} could not be written to {path}: {error}. Make room "
            f"or give another --data_dir."
        ) from error
    origin = ", ".join(
        f"{source['lines']:,} lines of {source['problem']} {source['side']}" for source in used
    )
    seconds = time.monotonic() - start
    log(
        f"vocabulary {spec.vocab}: {vocabulary.size:,} {units.noun} from {origin} ({seconds:.1f} s)"
    )
    if before and before != vocabulary.fingerprint:
        log(
            f"vocabulary {spec.vocab}: it has changed: no run that was started with the "
            f"former one can go on with this --data_dir."
        )


def _record(path) -> _Record:
    """The record of a vocabulary that is there; {} if there is none."""
    record = metadata_path(path)
    if not record.exists():
        return {}
    remedy = f"Restore it from a backup, or delete it and {path} (checkpoints become useless)."
    return records.read_json(record, _Record, remedy)


def _fingerprint(path) -> str:
    """What a vocabulary that is there holds; "" if there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def _others(spec, problems, data_dir):
    """Registered problems that name the vocabulary, are prepared, and are not among `problems`."""
    names = {problem.name for problem in problems}
    others = (_registered(name) for name in registry.list_problems() if name not in names)
    return [
        problem.located(data_dir)
        for problem in filter(None, others)
        if spec in _named_by(problem).values() and locate.prepared(problem, data_dir)
    ]


def _registered(name):
    """The problem; None for one that is still being written, which does not stop the others."""
    try:
        return registry.problem(name)
    except (UserError, registry.RegistryError):
        return None


def _texts(spec, problems) -> Iterator[tuple[dict, Any, str]]:
    """(source, problem, side) of all its text, each once: wmt_ende and wmt_deen read the same."""
    seen = set()
    for problem in problems:
        for side, other in _named_by(problem).items():
            data = problem.stored_side(side)
            if other == spec and data not in seen and "train" in problem.splits():
                seen.add(data)
                source = {"problem": problem.name, "side": side, "data": data, "lines": 0}
                yield source, problem, side


def _lines(source, problem, side, limit) -> Iterator[str]:
    """The training text of one side, up to `limit` characters; counts the lines given into
    `source`."""
    characters = 0
    examples = problem.examples("train", sides=(side_of(side),)).as_numpy_iterator()
    for example in damage.read(problem, examples):
        value = keys.value(example, side)
        found = value if isinstance(value, np.ndarray) else [value]
        for line in (line.decode("utf-8") for line in found):
            source["lines"] += 1
            characters += len(line)
            yield line
        if limit and characters >= limit:
            return


def _log_other_size(path, spec, log):
    """Logs that a vocabulary was trained to be of another size than is wanted now."""
    record = _record(path)
    then = record.get("wanted") or record.get("size", 0)  # an older version recorded the latter
    if UNITS[spec.units].is_sized and (
        then != spec.size if "wanted" in record else then > spec.size
    ):
        log(
            f"vocabulary {spec.vocab}: {spec.size:,} pieces are asked for, but it was trained for "
            f"{then:,}, and stays as it is. To train it again (which invalidates checkpoints), "
            f"give --generate_data=again (of t2t-mm-datagen: --again), or delete {path}."
        )


def _log_who_joins(path, spec, users, log):
    """Logs which problems use a vocabulary that was trained without their text."""
    known = _record(path).get("sources", [])
    data = {source.get("data") for source in known}
    new = [source for source, *_ in _texts(spec, users) if source["data"] not in data]
    if new:
        joining, trained = (
            ", ".join(f"{source['problem']} {source['side']}" for source in sides)
            for sides in (new, known)
        )
        log(
            f"vocabulary {spec.vocab}: {joining} joins it as it is, trained on "
            f"{trained or 'unknown text'}. To train it again (which invalidates checkpoints), "
            f"delete {path}."
        )
