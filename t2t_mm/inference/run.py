"""A trained model in a program: `t2t_mm.load("output/mini8").predict("mini_ende", "I see rings.")`.

Everything is read from the output directory: problems and vocabularies, hyperparameters, weights.
"""

import os
import sys
from typing import Any

from t2t_mm import registry
from t2t_mm.config import hparams_files
from t2t_mm.config.hparams import HParams
from t2t_mm.errors import UserError
from t2t_mm.inference.predictor import Predictor
from t2t_mm.modalities.recorded import restored as restored_spec
from t2t_mm.problem.base import Problem
from t2t_mm.runs.choice import NEWEST, chosen
from t2t_mm.runs.corruption import read_chosen
from t2t_mm.runs.directory import PROBLEMS_FILE, OutputDir
from t2t_mm.runs.names import named_variables
from t2t_mm.runs.paths import step_of
from t2t_mm.runs.weights import Reader, weight_keys


class RunPredictor(Predictor):
    """A model with the weights of a checkpoint of a run.

    Args:
        output_dir: of a training run.
        checkpoint: "newest", "best" (what --keep_best kept) or a step; also the path prefix of
            any checkpoint.

    Attributes:
        output: the OutputDir.

    Raises:
        UserError: if there is no such checkpoint, or what belongs to it is missing.
    """

    def __init__(self, output_dir: str | os.PathLike, checkpoint: str | int = NEWEST) -> None:
        self.output = OutputDir(output_dir)
        chosen(self.output, checkpoint)  # before anything else is missing
        hparams, problems = recorded(self.output)
        model = registry.model(self.output.recorded_model())(hparams, list(problems.values()))
        put = lambda path: put_weights(model, path)  # noqa: E731
        step = read_chosen(self.output, checkpoint, put, _warn)
        super().__init__(model, problems, hparams, step)


def _warn(line: str) -> None:
    print(line, file=sys.stderr)


def recorded(output: OutputDir) -> tuple[HParams, dict[str, Problem]]:
    """The hyperparameters of a run, and its resolved problems by name; a UserError if what is
    recorded of them can't be read."""
    hparams = hparams_files.load(output.path, output.recorded_model())
    records = output.recorded_problems().items()
    return hparams, {name: restored(name, record, hparams, output) for name, record in records}


def restored(name: str, record: dict[str, Any], hparams: Any, output: OutputDir) -> Problem:
    """The resolved problem that a run has recorded; a UserError if it can't be."""
    problem = output.problem(name).configure(hparams)
    try:
        sides = (restored_spec(record[side], output.path) for side in ("inputs", "targets"))
        return problem.with_sides(*sides).with_findings(record.get("findings", {}))
    except (UserError, registry.RegistryError) as error:
        file = output.path / PROBLEMS_FILE
        raise UserError(f"{name}, recorded in {file}, can't be restored: {error}") from error


def put_weights(model: Any, path: str) -> int:
    """Gives a model the weights of a checkpoint, or their moving averages where there are such, one
    after another, and returns its step.

    Raises:
        UserError: if a weight is missing or of another shape.
        CorruptCheckpoint: if it is corrupt; the model may have some of its weights then.
    """
    variables = {name: v for name, v in named_variables(model).items() if v.trainable}
    reader = Reader(path)
    keys = weight_keys(reader.shapes, variables)
    for name, variable in variables.items():
        if name not in keys or reader.shapes[keys[name]] != tuple(variable.shape):
            raise UserError(
                f"The checkpoint {path} has no weight {name} of shape {tuple(variable.shape)}."
            )
    for name, key in sorted(keys.items(), key=lambda item: item[1]):  # as they lie there
        variables[name].assign(reader[key])
    return step_of(path)
