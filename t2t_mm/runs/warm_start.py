"""Starting from a trained model: what fits is loaded by name, the rest keeps its initial values,
both are logged."""

import collections
import os
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np

from t2t_mm.execution.exchange import assign, whole
from t2t_mm.problem.base import Problem
from t2t_mm.runs import rows, weights
from t2t_mm.runs.names import named_variables

# What belongs to some problems alone, by name; the rest is body.
OF_PROBLEMS = ("nets", "commands", "markers")


def load_fitting(
    model: keras.Model,
    problems: Iterable[Problem],
    path: str,
    recorded: dict[str, dict],
    folder: str | os.PathLike,
    log: Callable[[str], Any] = print,
    rescale: bool = False,
) -> None:
    """Gives a model the weights of a checkpoint that it has too, with equal shape; moving averages
    where there are any.

    Where the pieces or classes of a net are others now, its rows are found by their names
    (`Modality.row_names`); those that are new keep their initial values. A net that is another and
    has no such names keeps its initial values, whatever the shapes.

    Args:
        model: to be given weights.
        problems: resolved problems of the model.
        path: the checkpoint's path prefix.
        recorded: {problem: description} of the run that wrote it (OutputDir.recorded_problems).
        folder: output directory of that run.
        log: function of one line: which parts were loaded, which are new, and which were left; of
            each net whose rows were moved, how many.
        rescale: bring each matrix of the body to the norm of its fresh initial values, which takes
            the gates of the experts to zero. A long training leaves large matrices and gates that
            are sure: steps hardly turn them, and a problem that the model has never seen is learned
            slowly. What the model could do is lost.

    Raises:
        CorruptCheckpoint: if the checkpoint can't be read; the model is as it was then.
    """
    variables = {name: v for name, v in named_variables(model).items() if v.trainable}
    values = weights.weights(path, variables)
    parts = [f"{group}/{name}" for group in OF_PROBLEMS for name in getattr(model, group, ())]
    moved = _moved(rows.moved(problems, recorded, folder, log), variables, values, parts)
    grown = {_part(name, parts): move for name, move in moved.items()}
    changed = _changed_nets(problems, recorded) - grown.keys()
    loaded, new = collections.Counter(), collections.Counter()  # {part: how many numbers}
    for name, variable in variables.items():
        part, value, fresh = _part(name, parts), values.get(name), whole(variable).numpy()
        move = moved.get(name)
        if value is None or part in changed or not (move or value.shape == fresh.shape):
            new[part] += fresh.size
            continue
        if rescale and not _is_of_problems(name) and value.ndim > 1:
            value = value * (_norm(fresh) / max(_norm(value), 1e-12))
        assign(variable, move.applied(value, fresh) if move else value)
        kept = fresh.size * len(move.now) // move.are if move else fresh.size
        loaded[part] += kept
        new[part] += fresh.size - kept
    log(f"Warm start from {path}: loaded {_counts(loaded)}.")
    log(f"Missing or of another shape, newly initialised: {_counts(new)}.")
    for part, move in sorted(grown.items()):
        log(f"{part}: {move}.")
    left = {
        _part(name, parts) for name in weights.weight_shapes(path).keys() - named_variables(model)
    }
    if left:
        log(f"In it but not used here: {', '.join(sorted(left))}.")


def is_part_of(path: str, model: keras.Model) -> bool:
    """Whether a checkpoint holds all of the model but the nets and command tokens of problems that
    are new. Reads no value."""
    missing = named_variables(model).keys() - weights.weight_shapes(path).keys()
    return bool(missing) and all(map(_is_of_problems, missing))


def _changed_nets(problems: Iterable[Problem], recorded: dict[str, dict]) -> set[str]:
    """The parts that are nets whose weights in a checkpoint mean something else than here: of a
    vocabulary, or classes, of the same name but other content."""
    return {
        f"nets/{spec.net_name()}"
        for spec, record in rows.shared_nets(problems, recorded)
        if not spec.means_the_same(record)
    }


def _moved(nets, variables, values, parts):
    """{name of a variable: where its rows are}, of those nets all whose rows have the shape that
    they had; arguments as in `load_fitting`."""
    found: dict[str, rows.Moved] = {}
    for net, moves in nets.items():
        mine = [name for name in variables if _part(name, parts) == net]
        own = {name.removeprefix(f"{net}/"): name for name in mine}
        rows.check(moves, {short: tuple(variables[name].shape) for short, name in own.items()}, net)
        there = {own[each]: move for each, move in moves.items() if own.get(each) in values}
        if all(move.fits(values[name], variables[name]) for name, move in there.items()):
            found |= there
    return found


def _part(name: str, parts: Iterable[str]) -> str:
    """The part of the model that a weight belongs to: one of `parts`, such as nets/language_en_8k,
    or one of the body, such as encoder."""
    holders = [part for part in parts if name.startswith(f"{part}/")]
    keys = name.split("/")[: 2 if _is_of_problems(name) else 1]
    return max(holders, key=len, default="/".join(keys))  # a part's own name may have a "/"


def _is_of_problems(name: str) -> bool:
    return name.split("/")[0] in OF_PROBLEMS


def _norm(value: np.ndarray) -> float:
    return float(np.linalg.norm(value))


def _counts(parts: dict[str, int]) -> str:
    told = (f"{part} ({count:,})" for part, count in sorted(parts.items()) if count)
    return ", ".join(told) or "nothing"
