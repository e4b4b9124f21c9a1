"""Mean and deviation of training data, by which real numbers are normalised."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from t2t_mm.errors import UserError

Spec = TypeVar("Spec", bound=Any)  # with `mean` and `deviation`


def rounded(row: Iterable[float]) -> tuple[float, ...]:
    """To six digits: the last ones depend on the machine, and a run that goes on compares them."""
    return tuple(float(f"{each:.6g}") for each in row)


def expected(spec: Spec, size: int) -> Spec:
    """The spec with a mean and a deviation for each of its `size` values that change nothing, if it
    has learnt none."""
    if spec.mean:
        return spec
    return dataclasses.replace(spec, mean=(0.0,) * size, deviation=(1.0,) * size)


def not_learnt(name: str) -> UserError:
    """The error of what is to be normalised, and can't be yet."""
    return UserError(
        f"{name!r} has no mean and deviation yet: they are learnt from the training data when the "
        "problem is resolved, and there is none."
    )


def not_finite(name: str, count: int, examples: int) -> UserError:
    """The error of training data some of which is NaN or infinite."""
    return UserError(
        f"{count:,} of {examples:,} training examples of {name!r} are not finite. Leave them out "
        "of the data."
    )


def check(name: str, size: int, mean: Sequence[float], deviation: Sequence[float]) -> None:
    """Raises a UserError for a recorded mean and deviation that can't be those of `size` values."""
    is_whole = len(mean) == len(deviation) == size
    if not is_whole or not np.isfinite([*mean, *deviation]).all() or min(deviation) <= 0:
        raise UserError(
            f"{name!r} needs a finite mean and a deviation above 0 for each of its {size} values, "
            f"not {mean} and {deviation}"
        )
