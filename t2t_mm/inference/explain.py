"""What a model attended to, and which experts it used, for one input:
`explain(t2t_mm.load("output/mini8"), ...)`."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm.errors import UserError
from t2t_mm.inference.inputs import batch_of, encode
from t2t_mm.inference.predictor import Predictor, text_of, written
from t2t_mm.layers.watching import watching
from t2t_mm.modalities.language.vocabulary import EOS


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What a model did with one input.

    Attributes:
        problem: its name.
        inputs: S labels of the body's input positions: pieces, places in the picture, seconds.
        outputs: T labels of the output: pieces; of a class, the input positions once more.
        answer: the output text, or the class.
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


def explain(predictor: Predictor, problem: str, value: Any, as_stored: bool = False) -> Explanation:
    """Answers an input greedily and looks at how.

    Args:
        predictor: t2t_mm.load(...) of a run, or another Predictor.
        problem: its name.
        value: an input as `predict` takes it.
        as_stored: as of `predict`.

    Raises:
        UserError: if the input can't be read.
    """
    named, model = predictor.problem(problem), predictor.model
    answer, batch, encoded = _answered(predictor, named, value, as_stored)
    # eager, so that there is something to see
    run_part, model.run_part = model.run_part, None
    try:
        with watching() as seen:
            model(batch, problem=problem, training=False)
    finally:
        model.run_part = run_part
    attention = [value for kind, value in seen if kind == "source_attention"]
    pairs = [pair for kind, pair in seen if kind == "experts"]
    experts = dict(zip(model.expert_places, pairs, strict=False))
    count = attention[0].shape[-1] if attention else None
    inputs = named.inputs.position_labels(encoded, count)
    if named.targets.is_sequence:
        outputs = named.targets.position_labels(batch["targets"][0])
    else:
        outputs = [f"<{named.command}>", *inputs]
    weights = zip(model.attention_places, attention, strict=False)
    return Explanation(
        problem,
        inputs,
        outputs,
        answer,
        {place: np.asarray(heads[0], np.float32) for place, heads in weights},
        {place: _gates(*pair, model.hparams.moe_experts) for place, pair in experts.items()},
    )


def _answered(predictor, problem, value, as_stored):
    """(the answer, the batch of one with which the model's call repeats how it came about, the
    encoded input)"""
    try:
        encoded, source = encode(problem, value, as_stored)
    except UserError as error:
        raise UserError(f"{value!r} can't be read: {error}") from error
    batch = batch_of(problem, [encoded])
    if not problem.targets.is_sequence:
        (answer,) = problem.targets.answers(predictor.logits(problem, batch), 1)
        return text_of(answer), batch, encoded
    ids = predictor.decode(problem, batch)[0][0, 0]
    ends = np.flatnonzero(ids == EOS)
    targets = tf.constant(ids[None, : ends[0] + 1 if ends.size else None])  # [1, length]
    batch |= {"targets": targets, "targets_mask": tf.ones_like(targets, tf.bool)}
    return written(problem, ids, source), batch, encoded


def _gates(gates, chosen, experts):
    """Gates [positions, k] of the chosen experts as [positions, experts]."""
    spread = np.zeros((gates.shape[0], experts), np.float32)
    np.put_along_axis(spread, np.asarray(chosen), np.asarray(gates, np.float32), axis=1)
    return spread
