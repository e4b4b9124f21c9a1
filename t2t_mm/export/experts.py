"""A model without the experts that the problems it is cut down to never reach."""

import copy
from typing import Any

import numpy as np

from t2t_mm import registry
from t2t_mm.config.hparams import HParams
from t2t_mm.data.pipeline.batching import batches
from t2t_mm.errors import UserError
from t2t_mm.evaluation.evaluator import Evaluator
from t2t_mm.inference.run import RunPredictor
from t2t_mm.layers.roles import is_expert, role
from t2t_mm.problem import damage
from t2t_mm.problem.base import Problem
from t2t_mm.runs.names import named_variables

SPLITS = ("validation", "test")


def without_idle(
    predictor: RunPredictor, names: list[str], share: float = 0.0
) -> tuple[RunPredictor, dict[tuple[str, str], tuple[float, float]]]:
    """A predictor of some problems, without the experts that get at most a share of their
    validation data's positions.

    Both mixtures keep equally many, the larger number that either needs: a model has one number of
    experts.

    Args:
        predictor: inference.run.RunPredictor, its problems resolved against prepared data.
        names: of the problems.
        share: 0 leaves out only what is never reached.

    Returns:
        (the predictor, what it costs: {(problem, split): (its first teacher-forced metric
        before, after)}).

    Raises:
        UserError: if a problem has no validation data, or the model no experts.
    """
    model, hparams = predictor.model, predictor.hparams
    problems = [predictor.problem(name) for name in names]
    before = _measured(predictor, problems)
    loads = sum_of_loads(model, hparams, problems)
    if not loads:
        raise UserError("The model has no experts that could be left out.")
    wanted = {
        layer: np.sum(load > share * load.sum() / hparams.moe_k) for layer, load in loads.items()
    }
    count = max(hparams.moe_k, *wanted.values())
    kept = {
        layer: np.sort(np.argsort(-load, kind="stable")[:count]) for layer, load in loads.items()
    }
    anyone = np.arange(count)  # of a mixture that none of the problems gets to
    smaller = copy.copy(predictor)
    smaller.hparams, smaller._graphs = hparams.replace(moe_experts=int(count)), {}
    smaller.problems = dict(zip(names, problems, strict=True))
    smaller.model = registry.model(predictor.output.recorded_model())(smaller.hparams, problems)
    values = named_variables(model)
    for name, variable in named_variables(smaller.model).items():
        if variable.trainable:
            chosen = kept.get(name.split("/")[0], anyone)
            variable.assign(_cut(values[name], chosen))
    after = _measured(smaller, problems)
    model.run_part = smaller.model.run_part = None  # what is exported is compiled as a whole
    return smaller, {key: (value, after[key]) for key, value in before.items()}


def sum_of_loads(model: Any, hparams: HParams, problems: list[Problem]) -> dict[str, np.ndarray]:
    """{layer: positions of the validation data that each expert gets, [experts]}"""
    loads = {}
    for problem in problems:
        if not problem.splits().get("validation"):
            raise UserError(
                f"{problem.name} has no validation data, needed to see which experts it uses."
            )
        data = batches(problem, "validation", hparams, training=False)
        for batch in damage.read(problem, data):
            for layer, report in model(batch, problem=problem.name, training=False)[
                "experts"
            ].items():
                if "load" in report:  # there are experts, and the problem gets to them
                    loads[layer] = loads.get(layer, 0.0) + np.asarray(report["load"], np.float64)
    return loads


def _cut(variable, experts):
    """The value of a weight, of a mixture only the part of some experts."""
    value = variable.numpy()
    if is_expert(variable):
        return value[experts]
    return value[:, experts] if role(variable) == "gate" else value  # [channels, experts]


def _measured(predictor, problems):
    evaluator = Evaluator(predictor.model, problems, predictor.hparams)
    splits = [split for split in SPLITS if all(problem.splits().get(split) for problem in problems)]
    first = {problem.name: problem.teacher_forced[0] for problem in problems}
    return {
        (name, split): values[first[name]]
        for split in splits
        for name, values in evaluator.run(split).items()
    }
