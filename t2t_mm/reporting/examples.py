"""Examples of a problem as text: sentences beside their pieces, trees drawn, classes by name."""

from typing import Any

import numpy as np

from t2t_mm.problem import damage
from t2t_mm.problem.base import Problem


def read(problem: Problem, split: str, count: int) -> list[dict[str, Any]]:
    """The first `count` raw examples of a split, [{"inputs": value, "targets": value}] with NumPy
    values."""
    examples = problem.examples(split).take(count).as_numpy_iterator()
    return list(damage.read(problem, examples))


def lines_of(problem: Problem, example: dict[str, Any]) -> list[str]:
    """Lines that show one example; pictures and sound themselves are left to sheets.py."""
    lines = []
    for side in ("inputs", "targets"):
        spec, value = getattr(problem, side), example[side]
        several = list(value) if spec.is_sequence and np.ndim(value) else [value]
        for each in several:
            first, *more = spec.describe(each)
            lines += [f"  {side}: {first}", *(f"    {line}" for line in more)]
    source = example["inputs"].decode("utf-8") if problem.inputs.is_text else None
    for text in problem.targets.texts(example["targets"])[:1]:
        lines += [f"  {line}" for line in problem.describe_target(text, source)]
    return lines
