"""Preparation: the data of every problem, then the vocabularies that they name, over all text there
is."""

import itertools
import json
import time

import numpy as np

from t2t_mm import registry
from t2t_mm.data import sources
from t2t_mm.data.writing.options import DEFAULTS
from t2t_mm.errors import UserError
from t2t_mm.modalities.language import vocabulary as text
from t2t_mm.problem.base import check_nets

# Characters of text that a subword vocabulary is trained on, divided evenly among the sides that
# name it. More teach it little, and 8k pieces take about 15 seconds.
CHARACTERS_PER_PIECE = 500


def prepare(problems, data_dir, raw_dir=None, log=print, options=DEFAULTS, missing=None) -> list:
    """Prepares data and vocabularies; what is there already is left as it is.

    A missing vocabulary is trained on the training text of all `problems` that name it, and of
    every other registered problem that names it and is prepared in `data_dir`, in equal parts
    (`CHARACTERS_PER_PIECE`).

    Args:
      problems: from the registry, configured by the run's hparams (`Problem.configure`).
      data_dir: where to write.
      raw_dir: the user's data, one folder a problem.
      log: gets one line for each step.
      options: datasets.options.Options.
      missing: a list that takes the UserError of each problem whose data is missing or broken, so
        that the others are prepared; None to stop at the first.
    Returns:
      The problems prepared, located (`Problem.located`).
    Raises:
      UserError: if data is missing or broken, or can't be written.
    """
    located = []
    for problem in problems:
        try:
            located.append(_prepare_data(problem, data_dir, raw_dir, log, options))
        except UserError as error:
            if missing is None:
                raise
            missing.append(error)
            log(f"{problem.name}: not prepared, see the end")
    specs = {}
    for problem in located:
        for spec in _languages(problem).values():
            first = specs.setdefault(spec.vocab, spec)
            if first != spec:
                raise UserError(
                    f"The vocabulary {spec.vocab!r} is asked for as {first} and (by "
                    f"{problem.name}) as {spec}. Make them equal or give one another name."
                )
    for spec in specs.values():
        _prepare_vocabulary(spec, located, data_dir, log)
    return located


def resolve(problems, data_dir, hparams=None) -> list:
    """All problems resolved, and checked to agree on the nets that they share.

    Raises:
      UserError: if something is not prepared, or two problems disagree.
    """
    resolved = [problem.resolve(data_dir, hparams) for problem in problems]
    check_nets(resolved)
    return resolved


def _prepare_data(problem, data_dir, raw_dir, log, options):
    start = time.monotonic()
    problem.prepare(data_dir, raw_dir, log, options)
    located = problem.located(data_dir)
    counts = ", ".join(f"{count:,} {split}" for split, count in located.splits().items())
    path = located.builder.data_path
    if not counts:
        raise UserError(
            f"{problem.name}: its data set in {path} has no examples in any split. Delete it to "
            f"prepare it anew."
        )
    log(f"{problem.name}: {counts} examples in {path} ({time.monotonic() - start:.1f} s)")
    return located


def _languages(problem) -> dict:
    """The sides that are language, with their specs."""
    sides = {"inputs": problem.inputs, "targets": problem.targets}
    return {side: spec for side, spec in sides.items() if spec.kind == "language"}


def _prepare_vocabulary(spec, located, data_dir, log):
    path = spec.vocab_path(data_dir)
    users = [problem for problem in located if spec in _languages(problem).values()]
    if path.exists():
        _tell_who_joins(path, spec, users, log)
        return
    start = time.monotonic()
    texts = list(_texts(spec, users + _others(spec, located, data_dir)))
    used = [source for source, *_ in texts]
    limit = (
        CHARACTERS_PER_PIECE * spec.size // max(1, len(used)) if spec.units == "subword" else None
    )
    lines = itertools.chain.from_iterable(_lines(*each, limit) for each in texts)
    try:
        if spec.units == "symbols":
            vocabulary = text.train_symbols(lines, path, sources=used, log=log)
        else:
            vocabulary = text.train_subwords(lines, path, spec.size, sources=used, log=log)
    except OSError as error:
        raise UserError(
            f"The vocabulary {spec.vocab!r} could not be written to {path}: {error}. Make room "
            f"or give another --data_dir."
        ) from error
    told = ", ".join(
        f"{source['lines']:,} lines of {source['problem']} {source['side']}" for source in used
    )
    units = "symbols" if spec.units == "symbols" else "subwords"
    seconds = time.monotonic() - start
    log(f"vocabulary {spec.vocab}: {vocabulary.size:,} {units} from {told} ({seconds:.1f} s)")


def _others(spec, located, data_dir):
    """Registered problems that name the vocabulary, are prepared, and are not among `located`."""
    names = {problem.name for problem in located}
    others = (_registered(name) for name in registry.list_problems() if name not in names)
    return [
        problem.located(data_dir)
        for problem in filter(None, others)
        if spec in _languages(problem).values() and sources.prepared(problem, data_dir)
    ]


def _registered(name):
    """The problem; None for one that somebody is still writing, which is no obstacle to the
    others."""
    try:
        return registry.problem(name)
    except (UserError, registry.RegistryError):
        return None


def _texts(spec, problems):
    """(source, problem, side) of all its text, each once: wmt_ende and wmt_deen read the same."""
    seen = set()
    for problem in problems:
        for side, other in _languages(problem).items():
            data = problem.stored_side(side)
            if other == spec and data not in seen and "train" in problem.splits():
                seen.add(data)
                yield (
                    {"problem": problem.name, "side": side, "data": data, "lines": 0},
                    problem,
                    side,
                )


def _lines(source, problem, side, limit):
    """The training text of one side, up to `limit` characters; counts the lines given into
    `source`."""
    characters = 0
    for example in problem.examples("train", sides=(side,)).as_numpy_iterator():
        found = example[side] if isinstance(example[side], np.ndarray) else [example[side]]
        for line in (line.decode("utf-8") for line in found):
            source["lines"] += 1
            characters += len(line)
            yield line
        if limit and characters >= limit:
            return


def _tell_who_joins(path, spec, users, log):
    """Says so when problems use a vocabulary that was trained without their text."""
    record = text.metadata_path(path)
    known = json.loads(record.read_text())["sources"] if record.exists() else []
    data = {source.get("data") for source in known}
    new = [source for source, *_ in _texts(spec, users) if source["data"] not in data]
    if new:
        joining, trained = (
            ", ".join(f"{source['problem']} {source['side']}" for source in sides)
            for sides in (new, known)
        )
        log(
            f"vocabulary {spec.vocab}: {joining} joins it as it is, trained on "
            f"{trained or 'text unknown'}. "
            f"To train it anew (which no checkpoint survives), delete {path}."
        )
