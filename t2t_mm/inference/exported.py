"""An exported model in a program: answers as a predictor does, from the SavedModel alone."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypedDict

import tensorflow as tf
import tensorflow_text  # noqa: F401 its operations are in the graph

from t2t_mm import compat, files, records, registry
from t2t_mm.errors import UserError, first_line
from t2t_mm.inference.inputs import ROWS, UNREADABLE, reason
from t2t_mm.inference.predictor import TOP, check_numbers, finite


class _Side(TypedDict):
    kind: str


class _Described(TypedDict):
    inputs: _Side
    targets: _Side


LARGEST_FILE = 2**31 - 1  # bytes; the most of a protocol buffer
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
        remedy = f"Restore {self.path} from a backup, or export the model again."
        described = records.read_json(self.path / DESCRIPTION, dict[str, _Described], remedy)
        self.problems = list(described)
        try:
            self._sides = {
                name: tuple(_spec(sides[side]) for side in ("inputs", "targets"))
                for name, sides in described.items()
            }
            _check_files(self.path)
            self._signatures = compat.load_for_answers(str(self.path)).signatures
            if missing := described.keys() - self._signatures.keys():
                raise UserError(f"it has no signature {', '.join(sorted(missing))}")
        except Exception as error:  # TensorFlow raises almost anything where a file is damaged
            reason = first_line(error)
            raise UserError(f"The export {self.path} is damaged ({reason}). {remedy}") from error

    def predict(self, problem: str, inputs: Any, top: int = TOP) -> Any:
        """Answers one input, or a list of them; inputs and answers are those of
        `Predictor.predict`.

        How it searches was decided at the export.
        """
        check_numbers(1, top=top)
        self._check(problem)
        one = not isinstance(inputs, list | tuple)
        values, results = [inputs] if one else list(inputs), []
        for start in range(0, len(values), ROWS):
            results += self._answers(problem, values[start : start + ROWS], top)
        return results[0] if one else results

    def _check(self, problem: str) -> None:
        if not isinstance(problem, str) or problem not in self._sides:
            raise UserError(f"{self.path} serves {', '.join(self.problems)}, not {problem}.")

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
            errors.get(index) or finite(targets.answer_from(row, top))
            for index, row in enumerate(rows)
        ]

    def warm_up(self, problems: Iterable[str] | None = None) -> None:
        """Answers problems once, so that no later call has to wait for what the first one does.

        Args:
            problems: their names; all, if not given.
        """
        for name in problems or self.problems:
            self._check(name)
            self._signatures[name](inputs=tf.constant([self._sides[name][0].sample()]))


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
        *sorted(versions, key=lambda path: int(path.name) if path.name.isdecimal() else -1),
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


def _check_files(path):
    """Raises a ValueError for what would end TensorFlow or be waited for without end: a pipe, a
    device, a file that is read whole and too large for that."""
    for file in path.rglob("*"):
        if not file.is_dir():
            is_read_in_parts = file.name.startswith("variables.data-")
            try:
                files.check_regular(file, sys.maxsize if is_read_in_parts else LARGEST_FILE)
            except (OSError, ValueError) as error:
                raise ValueError(f"{file.relative_to(path)}: {error}") from error
