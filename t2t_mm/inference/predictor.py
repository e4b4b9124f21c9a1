"""A trained model in a program: `t2t_mm.load("output/mini8").predict("mini_ende", "I see two red
rings.")`.

Everything is learned from the output directory: problems and vocabularies, hyperparameters,
weights.
"""

import copy
import sys

import keras

from t2t_mm import registry
from t2t_mm.config import hparams_files
from t2t_mm.errors import UserError
from t2t_mm.inference.answer import Answering
from t2t_mm.modalities import specs
from t2t_mm.problem.base import View
from t2t_mm.runs.corruption import newest_intact
from t2t_mm.runs.directory import OutputDir
from t2t_mm.runs.names import named_variables
from t2t_mm.runs.paths import step_of
from t2t_mm.runs.weights import weights

SPECS = {
    "language": specs.Language,
    "image": specs.Image,
    "categorical": specs.Categorical,
    "audio": specs.Audio,
}


class Predictor(Answering):
    """A model with the weights of its newest checkpoint.

    Args:
        output_dir: of a training run.
        checkpoint: path prefix of another checkpoint than the newest.

    Attributes:
        problems: {name: Problem}, all that the model was trained on.
        model: the Keras model.
        step: of the checkpoint.

    Raises:
        UserError: if there is no checkpoint, or what belongs to it is missing.
    """

    def __init__(self, output_dir, checkpoint=None):
        self.output = OutputDir(output_dir)
        self.output.need_checkpoint()
        hparams, recorded = (
            hparams_files.load(str(self.output.path)),
            self.output.recorded_problems(),
        )
        problems = {
            name: restored(name, said, hparams, self.output) for name, said in recorded.items()
        }
        model = registry.model(self.output.recorded_model())(hparams, list(problems.values()))
        super().__init__(model, problems, hparams)
        if checkpoint:
            self.step = put_weights(self.model, str(checkpoint))
        else:
            self.step = newest_intact(
                self.output.checkpoints,
                lambda path: put_weights(self.model, path),
                lambda line: print(line, file=sys.stderr),
            )


def restored(name, said, hparams, output):
    """The resolved problem that a run has recorded."""
    problem = output.problem(name).configure(hparams)
    sides = [_spec(said[side], output) for side in ("inputs", "targets")]
    if isinstance(problem, View):
        base = copy.copy(problem.base)
        for side, spec in zip(problem.sides, sides, strict=True):
            setattr(base, side, spec)
        return View(base, problem.suffix, problem.sides)
    problem.inputs, problem.targets = sides
    return problem


def _spec(values, output):
    kind = SPECS[values["kind"]]
    fields = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if name not in ("kind", "fingerprint")
    }
    spec = kind(**fields)
    if spec.kind != "language":
        return spec
    path = spec.vocab_path(output.path)
    if not path.is_file():
        raise UserError(
            f"The vocabulary {path} is missing: a run copies it there. Copy it from its data_dir."
        )
    return kind(**fields, path=str(path))


def put_weights(model: keras.Model, path: str) -> int:
    """Gives a model the weights of a checkpoint, or their moving averages where there are such, and
    returns its step.

    Raises:
        UserError: if a weight is missing or of another shape, or the checkpoint is corrupt.
    """
    variables = {name: v for name, v in named_variables(model).items() if v.trainable}
    values = weights(path, variables)
    for name, variable in variables.items():
        if name not in values or values[name].shape != tuple(variable.shape):
            raise UserError(
                f"The checkpoint {path} has no weight {name} of shape {tuple(variable.shape)}."
            )
        variable.assign(values[name])
    return step_of(path)
