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
from t2t_mm.inference.inputs import ROWS, UNREADABLE, listed, reason
from t2t_mm.inference.predictor import TOP, check_numbers, each, finite
from t2t_mm.modalities.base import NO_SCORE
from t2t_mm.quiet import quiet


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
            with quiet():  # its tokenisers tell what they were made with
                self._signatures = compat.load_for_answers(str(self.path)).signatures
            if missing := described.keys() - self._signatures.keys():
                raise UserError(f"it has no signature {', '.join(sorted(missing))}")
        except Exception as error:  # TensorFlow raises almost anything where a file is damaged
            reason = first_line(error)
            raise UserError(f"The export {self.path} is damaged ({reason}). {remedy}") from error

    def sides(self, problem: str) -> tuple[Any, Any]:
        """The modalities of a problem's inputs and targets, enough to read and to answer."""
        self._check(problem)
        return self._sides[problem]

    def predict(self, problem: str, inputs: Any = None, top: int = TOP, prefix: Any = None) -> Any:
        """Answers one input, or a list of them; inputs, prefixes and answers are those of
        `Predictor.predict`.

        How it searches was decided at the export, and whether there can be a `prefix`.
        """
        check_numbers(1, top=top)
        self._check(problem)
        targets = self._sides[problem][1]
        answer = lambda found: targets.answer_from(found, top)  # noqa: E731
        if prefix is None:
            return self._ask(problem, answer, listed(inputs, prefix))
        name, asked = self._extra(problem, "continue", "--prefixes"), listed(inputs, prefix)
        given = each(prefix, len(asked[0]), "prefix")
        texts = ["" if text is None else text for text in given]
        return self._ask(problem, answer, asked, name, prefixes=texts)

    def score(self, problem: str, inputs: Any, targets: Any) -> Any:
        """Log-probabilities of given targets, as `Predictor.score` gives them; of a parse the
        targets are in the linear form. The model has to be exported with --scores."""
        self._check(problem)
        name = self._extra(problem, "score", "--scores")
        asked = values, one = listed(inputs, targets)
        wanted = each([targets] if one else targets, len(values), "targets")
        return self._ask(problem, _scored, asked, name, targets=wanted)

    def _extra(self, problem, what, flag):
        """The name of a signature that not every export has."""
        name = f"{problem}_{what}"
        if name not in self._signatures:
            raise UserError(
                f"{self.path} has no signature {name}: export the model again, with {flag}."
            )
        return name

    def _ask(self, problem, answer, asked, name=None, **beside):
        """What `answer` makes of the outputs of a signature for each input; `asked` from
        `listed`."""
        (values, one), results = asked, []
        for start in range(0, len(values), ROWS):
            part = slice(start, start + ROWS)
            others = {key: texts[part] for key, texts in beside.items()}
            results += self._answers(problem, answer, values[part], name or problem, others)
        return results[0] if one else results

    def _check(self, problem: str) -> None:
        if not isinstance(problem, str) or problem not in self._sides:
            raise UserError(f"{self.path} serves {', '.join(self.problems)}, not {problem}.")

    def _answers(self, problem, answer, values, name, beside) -> list[dict]:
        inputs, _ = self._sides[problem]
        sent, errors = [], {}
        for index, value in enumerate(values):
            try:
                sent.append(inputs.sent_as(inputs.read(value)))
            except UNREADABLE as error:
                sent.append(dict.fromkeys(inputs.samples(), b""))
                errors[index] = {"error": reason(error)}
        for key, texts in beside.items():
            for index, text in enumerate(texts):
                if not isinstance(text, str):
                    shown = f"{key}: text is expected, not {type(text).__name__}"
                    errors.setdefault(index, {"error": shown})
        strings = {key: [_bytes(text) for text in texts] for key, texts in beside.items()}
        if inputs.is_stored or not beside:
            strings |= {key: [each[key] for each in sent] for key in inputs.samples()}
        sent_in = {key: tf.constant(each, tf.string, [len(sent)]) for key, each in strings.items()}
        found = self._signatures[name](**sent_in)
        found = {name: value.numpy() for name, value in found.items()}
        rows = ({name: value[row] for name, value in found.items()} for row in range(len(sent)))
        return [errors.get(index) or finite(answer(row)) for index, row in enumerate(rows)]

    def warm_up(self, problems: Iterable[str] | None = None) -> None:
        """Answers problems once, so that no later call has to wait for what the first one does.

        Args:
            problems: their names; all, if not given.
        """
        for name in problems or self.problems:
            self._check(name)
            samples = self._sides[name][0].samples().items()
            self._signatures[name](**{key: tf.constant([each]) for key, each in samples})


def _scored(found: dict[str, Any]) -> dict:
    """A score from an exported model's outputs for one pair."""
    if found["log_probs"] <= NO_SCORE:
        return {"error": "it can't be read"}
    pieces = [piece.decode("utf-8", "replace") for piece in found["pieces"]]
    pairs = zip(pieces, map(float, found["token_log_probs"]), strict=True)
    tokens = [(piece, own) for piece, own in pairs if piece]  # none behind the end
    return {"log_prob": float(found["log_probs"]), "tokens": tokens}


def _bytes(text: Any) -> bytes:
    """A text as it is sent; what is none, or no Unicode, as bytes that are no text."""
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else b"\xff"


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
