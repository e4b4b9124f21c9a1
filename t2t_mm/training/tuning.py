"""What a step trains of the variables on its path, and how fast: for fine-tuning."""

import re
from typing import Any

from t2t_mm.config.hparams import HParams
from t2t_mm.errors import UserError
from t2t_mm.runs.names import named_variables


class Tuning:
    """Which variables are trained, and how fast.

    Args:
        model: the Keras model.
        hparams: reads `frozen` and `body_rate`.

    Raises:
        UserError: if `frozen` is no regular expression, matches no weight, or leaves a problem
        nothing to train.
    """

    def __init__(self, model: Any, hparams: HParams):
        self.model, self.body_rate = model, hparams.body_rate
        names = {name: v for name, v in named_variables(model).items() if v.trainable}
        self._body = {id(v) for layer in model.body_layers for v in layer.trainable_variables}
        self.frozen = self._matching(hparams.frozen, names) if hparams.frozen else {}
        self._frozen = {id(v) for v in self.frozen.values()}
        for problem in model.problems if self._frozen else ():
            if not self.parts(problem):
                raise UserError(f"frozen={hparams.frozen!r} leaves nothing of {problem} to train.")

    @staticmethod
    def _matching(pattern, names):
        try:
            found = {name: v for name, v in names.items() if re.search(pattern, name)}
        except re.error as error:
            raise UserError(f"frozen={pattern!r} is not a regular expression: {error}.") from error
        if not found:
            parts = dict.fromkeys("/".join(name.split("/")[:2]) + "/" for name in names)
            raise UserError(
                f"frozen={pattern!r} matches the name of no weight. Names start with "
                f"{', '.join(parts)}."
            )
        return found

    def parts(self, problem: str) -> list[tuple[list, float]]:
        """[(variables of a part of the model, its learning rate as a multiple)] that a problem, by
        name, trains."""
        parts = [
            [v for v in part if id(v) not in self._frozen] for part in self.model.parts_of(problem)
        ]
        return [
            (part, self.body_rate if id(part[0]) in self._body else 1.0) for part in parts if part
        ]
