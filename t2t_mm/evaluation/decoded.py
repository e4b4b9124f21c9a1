"""A split of a problem as a person has it, inputs beside references, and the scores of what a model
answers to it."""

import numpy as np

from t2t_mm.evaluation.metrics.decoded import metric
from t2t_mm.problem import trees
from t2t_mm.problem.base import TreeProblem


def read(problem, split, count=0):
    """Inputs and references of a split.

    Args:
        problem: a Problem whose data is located.
        split: "train", "validation" or "test".
        count: how many examples; 0: all.

    Returns:
        (inputs: values that `Answering.predict` takes; references: a list of texts for each).
    """
    data = problem.examples(split)
    inputs, references = [], []
    for example in (data.take(count) if count else data).as_numpy_iterator():
        value = example["inputs"]
        inputs.append(value.decode("utf-8") if problem.inputs.kind == "language" else value)
        targets = np.atleast_1d(example["targets"])
        if problem.targets.kind == "categorical":
            texts = [problem.targets.decode(targets)]
        else:
            texts = [target.decode("utf-8") for target in targets]
        if isinstance(problem, TreeProblem):
            texts = [trees.delinearize(text, inputs[-1]) for text in texts]
        references.append(texts)
    return inputs, references


def text(answer) -> str:
    """The text of an answer of `Answering.predict`, or its class; "" where there is none."""
    return answer.get("outputs", answer.get("label", ""))


def scores(problem, texts, references) -> list:
    """The metrics.scoring.Score of each metric that the problem is measured by.

    Args:
        problem: says which.
        texts: what was answered, str.
        references: a list of texts for each.
    """
    found = []
    for each in map(metric, problem.metrics or ("accuracy",)):
        found.append(
            each.score(
                texts, references if each.takes_several else [several[:1] for several in references]
            )
        )
    return found
