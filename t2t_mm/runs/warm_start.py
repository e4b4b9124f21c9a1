"""Starting from a trained model: what fits is loaded by name, the rest keeps its initial values,
both are logged."""

from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np

from t2t_mm.modalities.fields import fields_of
from t2t_mm.problem.base import Problem
from t2t_mm.runs import weights
from t2t_mm.runs.names import named_variables

OF_PROBLEMS = ("nets", "commands")  # what belongs to some problems alone, by name; the rest is body


def load_fitting(
    model: keras.Model,
    problems: Iterable[Problem],
    path: str,
    recorded: dict[str, dict],
    log: Callable[[str], Any] = print,
    rescale: bool = False,
) -> None:
    """Gives a model the weights of a checkpoint that it has too, with equal shape; moving averages
    where there are any.

    A net whose vocabulary is another now keeps its initial values, whatever the shapes.

    Args:
        model: to be given weights.
        problems: resolved problems of the model.
        path: the checkpoint's path prefix.
        recorded: {problem: description} of the run that wrote it (OutputDir.recorded_problems).
        log: function of one line: which parts were loaded, which are new, and which were left.
        rescale: bring each matrix of the body to the norm of its fresh initial values, which takes
            the gates of the experts to zero. A long training leaves large matrices and gates that
            are sure: steps hardly turn them, and a problem that the model has never seen is learned
            slowly. What the model could do is lost.

    Raises:
        CorruptCheckpoint: if the checkpoint can't be read; the model is as it was then.
    """
    variables = {name: v for name, v in named_variables(model).items() if v.trainable}
    values = weights.weights(path, variables)
    changed = _changed_nets(problems, recorded)
    parts = [f"{group}/{name}" for group in OF_PROBLEMS for name in getattr(model, group, ())]
    loaded: dict[str, int] = {}
    new: dict[str, int] = {}
    for name, variable in variables.items():
        part, value = _part(name, parts), values.get(name)
        fits = value is not None and value.shape == tuple(variable.shape) and part not in changed
        if value is not None and fits:
            if rescale and not _is_of_problems(name) and value.ndim > 1:
                value = value * (_norm(variable.numpy()) / max(_norm(value), 1e-12))
            variable.assign(value)
        found = loaded if fits else new
        found[part] = found.get(part, 0) + variable.value.shape.num_elements()
    log(f"Warm start from {path}: loaded {_counts(loaded)}.")
    log(f"Missing or of another shape, newly initialised: {_counts(new)}.")
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
    specs = [spec for problem in problems for spec in (problem.inputs, problem.targets)]
    classes = {spec.kind: type(spec) for spec in specs}
    changed = set()
    for record in (said[side] for said in recorded.values() for side in ("inputs", "targets")):
        if found := classes.get(record["kind"]):
            net = found(**fields_of(found, record)).net_name()
            same = [spec.means_the_same(record) for spec in specs if spec.net_name() == net]
            if not all(same):
                changed.add(f"nets/{net}")
    return changed


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
    return ", ".join(f"{part} ({count:,})" for part, count in sorted(parts.items())) or "nothing"
