"""What a trained arm is measured by, on the test split: each figure with its values on resamples of
the examples."""

import math
from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np

from t2t_mm.config.hparams import HParams
from t2t_mm.evaluation import decoded
from t2t_mm.evaluation.by_example import ByExample
from t2t_mm.evaluation.evaluation import merged
from t2t_mm.evaluation.metrics.normalization import composed
from t2t_mm.evaluation.metrics.scoring import Metric, metric_of_text, resampled
from t2t_mm.inference.predictor import Predictor, text_of
from t2t_mm.layers.roles import is_expert, role
from t2t_mm.models.variables import unique
from t2t_mm.problem.base import Problem
from t2t_mm.studies.results import Figure

RESAMPLES = 50
SEED = 12345


class Measured(TypedDict):
    """The part of a row that a model gives; see `results.Row`."""

    parameters: int
    active_parameters: int
    examples: dict[str, int]
    figures: dict[str, dict[str, Figure]]
    experts: dict[str, dict[str, list[float]]]


def measure(
    model: Any, problems: Sequence[Problem], hparams: HParams, split: str, decode: dict[str, int]
) -> Measured:
    """Measures a model.

    Args:
        model: a model of these problems.
        problems: resolved problems.
        hparams: of the model.
        split: of the data.
        decode: {problem: how many of its examples are also decoded and scored}.
    """
    found: Measured = {
        "parameters": sum(model.parameter_counts().values()),
        "active_parameters": _active(model, hparams),
        "examples": {},
        "figures": {},
        "experts": {},
    }
    for problem in problems:
        forced = ByExample(model, problem, hparams)
        rows, experts = forced.run(split)
        found["figures"][problem.name] = {m.name: _figure(m, rows[m.name]) for m in forced.metrics}
        found["examples"][problem.name] = len(rows[forced.metrics[0].name])
        for place, shares in experts.items():
            of_place = found["experts"].setdefault(place, {})
            of_place[problem.name] = [_rounded(share) for share in shares]
    named = {problem.name: problem for problem in problems if problem.name in decode}
    predictor = Predictor(model, named, hparams)
    scores = {
        name: _decoded(predictor, problem, split, decode[name]) for name, problem in named.items()
    }
    found["figures"] = merged(found["figures"], scores)
    return found


def _decoded(predictor: Predictor, problem: Problem, split: str, count: int) -> dict[str, Figure]:
    """The figures of greedy answers to the first examples."""
    inputs, references = decoded.read(problem, split, count)
    answers = predictor.predict(problem.name, inputs, as_stored=True)
    texts = [composed(text_of(answer)) for answer in answers]
    figures = {}
    for metric in map(metric_of_text, problem.measured_by):
        several = [
            list(map(composed, each if metric.takes_several else each[:1])) for each in references
        ]
        figures[metric.name] = _figure(metric, np.asarray(metric.counts(texts, several)))
    return figures


def _figure(metric: Metric, rows: np.ndarray) -> Figure:
    return {
        "value": _rounded(metric.figure(rows)),
        "resamples": [_rounded(each) for each in resampled(metric, rows, RESAMPLES, SEED)],
    }


def _rounded(value: float) -> float:
    """With six digits, which are more than any interval has."""
    return float(f"{value:.6g}")


def _active(model: Any, hparams: HParams) -> int:
    """The number of parameters without tables of pieces, and of the experts as many as a position
    goes through."""
    total = 0.0
    for variable in unique(model.trainable_variables):
        if role(variable) != "embedding":
            used = min(1.0, hparams.moe_k / variable.shape[0]) if is_expert(variable) else 1.0
            total += used * math.prod(variable.shape)
    return round(total)
