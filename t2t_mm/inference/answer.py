"""What a model answers to inputs as a person gives them: texts, paths, pictures, samples."""

import io
import os
from pathlib import Path

import numpy as np
import tensorflow as tf

from t2t_mm.decoding import Greedy, Search
from t2t_mm.errors import UserError
from t2t_mm.modalities.audio.encoding import resampled
from t2t_mm.problem import trees
from t2t_mm.problem.base import TreeProblem

ROWS = 32  # most inputs in a batch
TOP = 5  # classes that are told
# of an input in the body; a longer one could take all memory, and the other inputs with it
MOST_POSITIONS = 8192


class Answering:
    """Answers inputs with a model.

    Args:
        model: the Keras model.
        problems: {name: resolved Problem}.
        hparams: HParams of the model.
    """

    def __init__(self, model, problems, hparams):
        self.model, self.problems, self.hparams = model, problems, hparams
        self._searches = {}

    def predict(self, problem, inputs, method=None, longest=512, top=TOP, seed=0, first=0):
        """Answers one input, or a list of them.

        Args:
            problem: its name.
            inputs: text; of a picture or a sound a path, a file's bytes or an open file; of a
                picture also an array [h, w, c] or a PIL image, of a sound samples; or a list of
                them.
            method: search.Greedy, Beam or Sampling; greedy if not given.
            longest: most positions put out.
            top: classes told.
            seed: of sampling; what is drawn for an input depends on this and on its number alone.
            first: number of the first input.

        Returns:
            A dict, or a list of them: {"outputs": text, "score": its score, "log_prob": its
            log-probability, "n_best": [(text, score), ...]}; for classes {"label", "probability",
            "top": [(label, probability), ...]}. For an input that can't be read {"error": why}.
        """
        problem = self.problem(problem)
        one = not isinstance(inputs, list | tuple)
        results = self._answers(
            problem, [inputs] if one else list(inputs), method, longest, top, (seed, first)
        )
        return results[0] if one else results

    def problem(self, name):
        """The problem of that name; a UserError if the model was not trained on it."""
        if name not in self.problems:
            raise UserError(f"The model was trained on {', '.join(self.problems)}, not on {name}.")
        return self.problems[name]

    def _answers(self, problem, values, method, longest, top, seed):
        results, encoded = [None] * len(values), {}
        for index, value in enumerate(values):
            try:
                encoded[index] = encode(problem, value)
            except UserError as error:
                results[index] = {"error": str(error)}
        lengths = {index: int(problem.inputs.positions(value)) for index, value in encoded.items()}
        order = sorted(encoded, key=lambda index: (lengths[index], index))
        for rows in _batches(order, lengths, self.hparams.batch_size):
            given = [values[index] for index in rows]
            batch = padded([encoded[index] for index in rows], problem.inputs.masked)
            if problem.targets.kind == "categorical":
                answers = self._classes(problem, batch, top)
            else:
                answers = self._texts(
                    problem, batch, given, method, longest, seed[0], [seed[1] + i for i in rows]
                )
            for index, answer in zip(rows, answers, strict=True):
                results[index] = answer
        return results

    def _texts(self, problem, batch, given, method, longest, seed, index):
        ids, log_probs, scores = self.decode(problem, batch, method, longest, seed, index)
        for row, value in enumerate(given):
            texts = [written(problem, hypothesis, value) for hypothesis in ids[row]]
            ranked = [
                (text, float(score))
                for text, score in zip(texts, scores[row], strict=True)
                if np.isfinite(score)
            ]
            yield {
                "outputs": texts[0],
                "score": float(scores[row, 0]),
                "log_prob": float(log_probs[row, 0]),
                "n_best": ranked,
            }

    def decode(self, problem, batch, method=None, longest=512, seed=0, index=None):
        """What is put out for a batch of encoded inputs: the arrays of search.Decoded. See
        search.decode."""
        key = (problem.name, method or Greedy(), longest)
        if key not in self._searches:
            self._searches[key] = Search(self.model, problem.name, key[1], longest)
        return tuple(np.asarray(part) for part in self._searches[key](batch, None, seed, index))

    def _classes(self, problem, batch, top):
        logits = self.model(batch, problem=problem.name, training=False)[
            "logits"
        ]  # [batch, 1, classes]
        for row in tf.nn.softmax(logits[:, 0]).numpy():
            best = np.argsort(-row, kind="stable")[:top]
            ranked = [(problem.targets.decode([index]), float(row[index])) for index in best]
            yield {"label": ranked[0][0], "probability": ranked[0][1], "top": ranked}


def encode(problem, value):
    """An input as a person gives it -> the tensor for the input net; a UserError in some words if
    it can't be read."""
    try:
        encoded = problem.encode_inputs(tf.convert_to_tensor(raw(problem.inputs, value)))
    except (UserError, OSError, ValueError, TypeError, RuntimeError, tf.errors.OpError) as error:
        raise UserError(" ".join(str(error).split())[:200]) from error
    if (positions := int(problem.inputs.positions(encoded))) > MOST_POSITIONS:
        raise UserError(f"{positions:,} positions long, where {MOST_POSITIONS:,} are the most")
    return encoded


def raw(spec, value):
    """An input as a person gives it, as `Problem.encode_inputs` takes it.

    Raises:
        UserError, OSError, ValueError: if it is none.
    """
    if spec.kind == "language":
        if not isinstance(value, str):
            raise UserError(f"text is expected, not {type(value).__name__}")
        if not value.strip():
            raise UserError("the text is empty")
        return value.encode("utf-8", "replace")
    if spec.kind == "audio":
        if isinstance(value, str | os.PathLike | bytes) or hasattr(value, "read"):
            from t2t_mm.data.readers import kaldi

            file = io.BytesIO(value) if isinstance(value, bytes) else value
            file = os.fspath(file) if isinstance(file, os.PathLike) else file
            return kaldi.read(
                file, spec.sample_rate, resample=resampled
            )  # as an exported model does
        samples = np.asarray(value)
        if samples.ndim != 1 or not samples.size:
            raise UserError(
                f"samples of one channel are expected, not an array of shape {list(samples.shape)}"
            )
        return samples if samples.dtype.kind == "i" else samples.astype(np.float32)
    if isinstance(value, str | os.PathLike):
        value = Path(value).read_bytes()
    value = value.read() if hasattr(value, "read") else value
    if isinstance(value, bytes):
        from t2t_mm.data.readers.image_folder import decodable

        return decodable(value)
    pixels = np.asarray(_flat(value, spec) if hasattr(value, "convert") else value)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or pixels.shape[-1] != spec.channels or pixels.dtype != np.uint8:
        wanted = f"uint8 pixels [height, width, {spec.channels}]"
        raise UserError(f"{wanted} are expected, not {pixels.dtype} {list(pixels.shape)}")
    return pixels


def _flat(image, spec):
    """A PIL image without transparency: what is transparent shows white, as in a file."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = image.copy()
        white.paste((255, 255, 255, 255), (0, 0, *image.size))
        white.alpha_composite(image)
        image = white
    return image.convert("RGB" if spec.channels == 3 else "L")


def written(problem, ids, value) -> str:
    """Ids as a person reads them; of a parse, the tree with the words of the sentence in it."""
    text = problem.decode_targets(ids)
    if isinstance(problem, TreeProblem) and isinstance(value, str):
        return trees.delinearize(text, value)
    return text


def _batches(order, lengths, budget):
    """Indices, shortest first, in batches of at most ROWS, and `budget` positions with the
    padding."""
    batch = []
    for index in order:
        if batch and (len(batch) == ROWS or lengths[index] * (len(batch) + 1) > budget):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def padded(encoded, masked):
    """A batch of encoded inputs, padded to the longest."""
    if not masked:
        return {"inputs": tf.stack(encoded)}
    longest = max(value.shape[0] for value in encoded)
    pad = lambda value: tf.pad(  # noqa: E731
        value, [[0, longest - value.shape[0]], *[[0, 0]] * (value.shape.rank - 1)]
    )
    mask = np.arange(longest) < np.array([[value.shape[0]] for value in encoded])
    return {"inputs": tf.stack([pad(value) for value in encoded]), "inputs_mask": tf.constant(mask)}
