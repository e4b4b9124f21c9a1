"""Variables of a model: how many numbers they hold, and which are the same."""

import math
from typing import Any

import keras

from t2t_mm.layers.shares import whole_shape


def count(layer: keras.layers.Layer) -> int:
    """Number of trainable parameters, those that all replicas hold together."""
    return sum(math.prod(whole_shape(v)) for v in layer.trainable_variables)


def counts_of(model: Any) -> dict[str, int]:
    """What `ProblemModel.parameter_counts` gives."""
    counts = {name: count(net) for name, net in model.nets.items()}
    counts["command tokens"] = sum(map(count, model.commands.values()))
    if model.markers:
        counts["markers of inputs"] = sum(map(count, model.markers.values()))
    return counts | {"body": sum(map(count, model.body_layers))}


def distinct(parts: list[list[keras.Variable]]) -> list[list[keras.Variable]]:
    """The parts, those that share a variable as one."""
    found: list[list[keras.Variable]] = []
    for part in parts:
        ids = {id(v) for v in part}
        sharing = [each for each in found if ids & {id(v) for v in each}]
        found = [each for each in found if not any(each is other for other in sharing)]
        found.append(unique([v for each in (*sharing, part) for v in each]))
    return found


def unique(variables: list[keras.Variable]) -> list[keras.Variable]:
    """The variables, each once."""
    return list({id(v): v for v in variables}.values())
