"""What a model attended to, and which experts it used, for one input:
`explain(t2t_mm.load("output/mini8"), ...)`."""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from t2t_mm.errors import UserError
from t2t_mm.inference.answer import encode, padded, written
from t2t_mm.layers.watching import watching
from t2t_mm.modalities.language.vocabulary import EOS


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What a model did with one input.

    Attributes:
        problem: its name.
        inputs: S labels of the body's input positions: pieces, places in the picture, seconds.
        outputs: T labels of what was put out: pieces; of a class, the input positions once more.
        answer: the text put out, or the class.
        attention: {where: [heads, T, S]}, from the outputs to the inputs: "mixer", "decoder 1", ...
        experts: {where: [positions, experts]}, the gates: "encoder" over inputs, "decoder" over
            outputs.
    """

    problem: str
    inputs: list
    outputs: list
    answer: str
    attention: dict
    experts: dict


def explain(answering, problem, value) -> Explanation:
    """Answers an input greedily and looks at how.

    Args:
        answering: t2t_mm.load(...), or another answering.Answering.
        problem: its name.
        value: an input as `predict` takes it.

    Raises:
        UserError: if the input can't be read.
    """
    named, model = answering.problem(problem), answering.model
    answer, batch = _answered(answering, named, value)
    run_part, model.run_part = model.run_part, None  # eager, so that there is something to see
    try:
        with watching() as seen:
            model(batch, problem=problem, training=False)
    finally:
        model.run_part = run_part
    attention = [value for kind, value in seen if kind == "source_attention"]
    experts = dict(
        zip(
            _layers(model.hparams), [pair for kind, pair in seen if kind == "experts"], strict=False
        )
    )
    is_class = named.targets.kind == "categorical"
    command = f"<{named.command}>"
    inputs = labels(named.inputs, batch["inputs"][0], attention[0].shape[-1] if attention else None)
    outputs = [command, *inputs] if is_class else labels(named.targets, batch["targets"][0])
    places = ["mixer", *(f"decoder {i + 1}" for i in range(len(attention) - 1))]
    return Explanation(
        problem,
        inputs,
        outputs,
        answer,
        {
            place: np.asarray(weights[0], np.float32)
            for place, weights in zip(places, attention, strict=False)
        },
        {place: _gates(*pair, model.hparams.moe_experts) for place, pair in experts.items()},
    )


def _answered(answering, problem, value):
    """(the answer, the batch of one with which the model's call repeats how it came about)"""
    try:
        encoded = encode(problem, value)
    except UserError as error:
        raise UserError(f"{value!r} can't be read: {error}") from error
    batch = padded([encoded], problem.inputs.masked)
    if problem.targets.kind == "categorical":
        logits = answering.model(batch, problem=problem.name, training=False)["logits"]
        targets = tf.argmax(logits[:, 0], axis=-1, output_type=tf.int32)[:, None]  # [1, 1]
        answer = problem.targets.decode(targets[0].numpy())
    else:
        ids = answering.decode(problem, batch)[0][0, 0]
        ends = np.flatnonzero(ids == EOS)
        targets = tf.constant(ids[None, : ends[0] + 1 if ends.size else None])  # [1, length]
        answer = written(problem, ids, value)
    return answer, batch | {"targets": targets, "targets_mask": tf.ones_like(targets, tf.bool)}


def _layers(hparams):
    return ("encoder", "decoder") if hparams.moe_layers == "both" else (hparams.moe_layers,)


def _gates(gates, chosen, experts):
    """Gates [positions, k] of the chosen experts as [positions, experts]."""
    spread = np.zeros((gates.shape[0], experts), np.float32)
    np.put_along_axis(spread, np.asarray(chosen), np.asarray(gates, np.float32), axis=1)
    return spread


def labels(spec, encoded, count=None):
    """A label for each position that the body has of an encoded input or target.

    Args:
        spec: its feature.
        encoded: one example, without batch.
        count: of positions, where the spec doesn't say.
    """
    if spec.kind == "language":
        return [spec.vocabulary().piece(i) for i in np.asarray(encoded)]
    if spec.kind == "image":
        rows, columns = (math.ceil(size / 16) for size in encoded.shape[:2])
        return [f"{row + 1},{column + 1}" for row in range(rows) for column in range(columns)]
    hop = 0.01 if spec.form == "spectrogram" else 1 / spec.sample_rate
    count = count or int(spec.positions(encoded))
    return [f"{i * spec.time_stride * hop:.2f} s" for i in range(count)]
