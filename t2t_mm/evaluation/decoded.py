"""A split of a problem as a person has it, inputs beside references, and the scores of what a model
answers to it."""

from typing import Any

from t2t_mm.evaluation.metrics.scoring import Score, metric_of_text
from t2t_mm.problem import damage
from t2t_mm.problem.base import Problem


def read(problem: Problem, split: str, count: int = 0) -> tuple[list[Any], list[list[str]]]:
    """Inputs and references of a split.

    Args:
        problem: a Problem whose data is located.
        split: "train", "validation" or "test".
        count: how many examples; 0: all.

    Returns:
        (inputs: values that `Predictor.predict` takes; references: a list of texts for each).
    """
    data = problem.examples(split)
    inputs, references = [], []
    examples = (data.take(count) if count else data).as_numpy_iterator()
    for example in damage.read(problem, examples):
        value = problem.inputs.told(example["inputs"])
        source = value if problem.inputs.is_text else None
        inputs.append(value)
        texts = problem.targets.texts(example["targets"])
        references.append([problem.postprocess(text, source) for text in texts])
    return inputs, references


def scores(problem: Problem, texts: list[str], references: list[list[str]]) -> list[Score]:
    """The Score of each metric that the problem is measured by.

    Args:
        problem: says which.
        texts: the answers.
        references: a list of texts for each.
    """
    found = []
    for each in map(metric_of_text, problem.measured_by):
        first = [several[:1] for several in references]
        found.append(each.score(texts, references if each.takes_several else first))
    return found
