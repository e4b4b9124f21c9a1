"""Whether the data of a study does for a run, and is that of the runs that are done."""

import hashlib

import numpy as np

from t2t_mm import mixtures, registry
from t2t_mm.errors import UserError
from t2t_mm.problem import damage
from t2t_mm.problem.base import Problem
from t2t_mm.studies.plan import Plan
from t2t_mm.studies.study import Arm

FIRST = 500  # examples of a split that a digest looks at


def check(plan: Plan, arm: Arm) -> dict[str, str]:
    """{problem: digest of its data} of an arm.

    Raises:
        UserError: something is not prepared, there is nothing to measure on, less to train on than
            is asked for, or runs that are done had other data.
    """
    names = mixtures.parse(arm.problems)
    problems = [registry.problem(name).located(plan.common["data_dir"]) for name in names]
    for problem in problems:
        _check_splits(problem, arm, plan.split)
    digests = {problem.name: digest(problem) for problem in problems}
    for row in plan.results.rows():
        for name, found in row["data"].items():
            if digests.get(name, found) != found:
                raise UserError(
                    f"The data of {name} in {plan.common['data_dir']} is not what {row['arm']}, "
                    f"seed {row['seed']}, in {plan.results.path} was made from. Give that data, or "
                    "another --output_dir."
                )
    return digests


def digest(problem: Problem) -> str:
    """A digest of how many examples each split has, and of the targets of the first ones: unlike
    pictures and sound, they are stored alike whatever the versions of libraries."""
    found = hashlib.sha1()
    for split, count in sorted(problem.splits().items()):
        found.update(f"{split} {count}".encode())
        examples = problem.examples(split, sides=("targets",)).take(FIRST).as_numpy_iterator()
        for example in damage.read(problem, examples):
            found.update(repr(np.asarray(example["targets"]).tolist()).encode())
    return found.hexdigest()[:16]


def _check_splits(problem: Problem, arm: Arm, split: str) -> None:
    counts = problem.splits()
    if problem.name in arm.on and not counts.get(split):
        raise UserError(
            f"{problem.name} has no examples in the split {split!r} to measure on, only in "
            f"{', '.join(counts)}. Give another --split."
        )
    if arm.train_examples > (there := counts.get("train", 0)):
        raise UserError(
            f"{arm.name} trains on {arm.train_examples:,} examples, but {problem.name} has "
            f"{there:,}. Give a smaller --train_examples."
        )
