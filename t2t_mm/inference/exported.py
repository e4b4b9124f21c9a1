"""An exported model in a program: answers as a predictor.Predictor does, from the SavedModel
alone."""

import io
import json
import wave
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401 its operations are in the graph

from t2t_mm.errors import UserError
from t2t_mm.export.saving import DESCRIPTION
from t2t_mm.inference.answer import ROWS, TOP, raw


class Served:
    """A SavedModel that `t2t-mm-exporter` wrote.

    Args:
        export_dir: of the exporter, whose newest version is taken, or one version's.

    Attributes:
        problems: names of its problems.
        path: of the version.

    Raises:
        UserError: if there is none.
    """

    def __init__(self, export_dir):
        self.path = version(export_dir)
        self._described = json.loads((self.path / DESCRIPTION).read_text())
        self.problems = list(self._described)
        self._signatures = tf.saved_model.load(str(self.path)).signatures

    def predict(self, problem, inputs, top=TOP):
        """Answers one input, or a list of them; inputs and answers are those of
        `Answering.predict`.

        How it searches was decided at the export.
        """
        if problem not in self._described:
            raise UserError(f"{self.path} serves {', '.join(self.problems)}, not {problem}.")
        one = not isinstance(inputs, list | tuple)
        values, results = [inputs] if one else list(inputs), []
        for start in range(0, len(values), ROWS):
            results += self._answers(problem, values[start : start + ROWS], top)
        return results[0] if one else results

    def _answers(self, problem, values, top):
        spec = SimpleNamespace(**self._described[problem]["inputs"])
        sent, errors = [], {}
        for index, value in enumerate(values):
            try:
                sent.append(_bytes(spec, raw(spec, value)))
            except (
                UserError,
                OSError,
                ValueError,
                TypeError,
                RuntimeError,
                tf.errors.OpError,
            ) as error:
                sent.append(b"")
                errors[index] = {"error": " ".join(str(error).split())[:200]}
        found = self._signatures[problem](inputs=tf.constant(sent, tf.string, [len(sent)]))
        found = {name: value.numpy() for name, value in found.items()}
        answer = self._class if self._described[problem]["targets"]["names"] else self._text
        return [
            errors.get(row)
            or answer(problem, {name: value[row] for name, value in found.items()}, top)
            for row in range(len(sent))
        ]

    def _text(self, problem, found, top):
        texts, scores, log_probs = (
            np.atleast_1d(found[name]) for name in ("outputs", "scores", "log_probs")
        )
        if not np.isfinite(scores[0]):
            return {"error": "it can't be read"}
        texts = [text.decode("utf-8", "replace") for text in texts]
        ranked = [
            (text, float(score))
            for text, score in zip(texts, scores, strict=True)
            if np.isfinite(score)
        ]
        return {
            "outputs": texts[0],
            "score": float(scores[0]),
            "log_prob": float(log_probs[0]),
            "n_best": ranked,
        }

    def _class(self, problem, found, top):
        if found["classes"] < 0:
            return {"error": "it can't be read"}
        names, probabilities = self._described[problem]["targets"]["names"], found["probabilities"]
        ranked = [
            (names[i], float(probabilities[i]))
            for i in np.argsort(-probabilities, kind="stable")[:top]
        ]
        return {"label": ranked[0][0], "probability": ranked[0][1], "top": ranked}


def version(export_dir) -> Path:
    """The folder of a SavedModel: the given one, or the newest version in it.

    Raises:
        UserError: if there is none.
    """
    folder = Path(export_dir).expanduser()
    found = [
        folder,
        *sorted(
            folder.glob("[0-9]*"), key=lambda path: int(path.name) if path.name.isdigit() else -1
        ),
    ]
    found = [
        path
        for path in found
        if (path / "saved_model.pb").is_file() and (path / DESCRIPTION).is_file()
    ]
    if not found:
        raise UserError(f"There is no exported model in {export_dir}.")
    return found[-1]


def _bytes(spec, value) -> bytes:
    """What `raw` gives, as it is sent."""
    if isinstance(value, bytes):
        return value
    value = np.asarray(value)
    if spec.kind == "image":
        return tf.io.encode_png(value).numpy()
    if value.dtype.kind == "f":
        value = np.clip(np.round(value * 32768), -32768, 32767)  # as WAV files are read: /32768
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, spec.sample_rate, value.size, "NONE", ""))
        sound.writeframes(value.astype("<i2").tobytes())
    return file.getvalue()
