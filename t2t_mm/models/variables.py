"""Variables of a model: how many numbers they hold, and which are the same."""

import math

import keras

from t2t_mm.layers.shares import whole_shape


def count(layer: keras.layers.Layer) -> int:
    """Number of trainable parameters, those that all replicas hold together."""
    return sum(math.prod(whole_shape(v)) for v in layer.trainable_variables)


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
