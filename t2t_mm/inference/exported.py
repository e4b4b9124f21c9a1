"""An exported model in a program: answers as a predictor does, from the SavedModel alone."""

import json
import os
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_text  # noqa: F401 its operations are in the graph

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.inference.inputs import ROWS, UNREADABLE, reason
from t2t_mm.inference.predictor import TOP

DESCRIPTION = Path("assets.extra") / "problems.json"  # of the problems, in an export


class ExportedPredictor:
    """A SavedModel that `t2t-mm-exporter` wrote.

    Args:
        export_dir: of the exporter, or that of one version.
        checkpoint: "newest", or the step of another version.

    Attributes:
        problems: names of its problems.
        path: of the version.

    Raises:
        UserError: if there is none.
    """

    def __init__(self, export_dir: str | os.PathLike, checkpoint: str | int = "newest") -> None:
        self.path = version(export_dir, checkpoint)
        described = json.loads((self.path / DESCRIPTION).read_text())
        self.problems = list(described)
        self._sides = {
            name: tuple(_spec(sides[side]) for side in ("inputs", "targets"))
            for name, sides in described.items()
        }
        self._signatures = tf.saved_model.load(str(self.path)).signatures

    def predict(self, problem: str, inputs: Any, top: int = TOP) -> Any:
        """Answers one input, or a list of them; inputs and answers are those of
        `Predictor.predict`.

        How it searches was decided at the export.
        """
        if problem not in self._sides:
            raise UserError(f"{self.path} serves {', '.join(self.problems)}, not {problem}.")
        one = not isinstance(inputs, list | tuple)
        values, results = [inputs] if one else list(inputs), []
        for start in range(0, len(values), ROWS):
            results += self._answers(problem, values[start : start + ROWS], top)
        return results[0] if one else results

    def _answers(self, problem: str, values: list, top: int) -> list[dict]:
        inputs, targets = self._sides[problem]
        sent, errors = [], {}
        for index, value in enumerate(values):
            try:
                sent.append(inputs.sent(inputs.read(value)))
            except UNREADABLE as error:
                sent.append(b"")
                errors[index] = {"error": reason(error)}
        found = self._signatures[problem](inputs=tf.constant(sent, tf.string, [len(sent)]))
        found = {name: value.numpy() for name, value in found.items()}
        rows = ({name: value[row] for name, value in found.items()} for row in range(len(sent)))
        return [
            errors.get(index) or targets.answer_from(row, top) for index, row in enumerate(rows)
        ]


def _spec(described: dict[str, Any]) -> Any:
    return registry.modality(described["kind"]).from_description(described)


def version(export_dir: str | os.PathLike, checkpoint: str | int = "newest") -> Path:
    """The folder of a SavedModel: the given one, or in it the version of a step.

    Args:
        export_dir: of the exporter, or that of one version.
        checkpoint: "newest" or a step.

    Raises:
        UserError: if there is none.
    """
    folder = Path(export_dir).expanduser()
    versions = folder.glob("[0-9]*")
    found = [
        folder,
        *sorted(versions, key=lambda path: int(path.name) if path.name.isdigit() else -1),
    ]
    found = [
        path
        for path in found
        if (path / "saved_model.pb").is_file() and (path / DESCRIPTION).is_file()
    ]
    if not found:
        raise UserError(f"There is no exported model in {export_dir}.")
    if checkpoint == "newest":
        return found[-1]
    for path in found:
        if path.name == str(checkpoint):
            return path
    raise UserError(
        f"There is no export of checkpoint {checkpoint} in {export_dir}: there are "
        f"{', '.join(path.name for path in found)}."
    )
