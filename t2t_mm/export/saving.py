"""SavedModels of trained models: raw strings, pictures or sounds in; texts and scores, or classes,
out.

One signature per problem, with all that it needs in its graph: tokenisation, decoding of pictures,
audio features, search, detokenisation. Loading takes tensorflow and tensorflow_text (for the
tokeniser), and nothing of ours. Beside it stand warm-up requests for TensorFlow Serving.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm import files
from t2t_mm.decoding import Greedy, decode
from t2t_mm.errors import UserError, first_line
from t2t_mm.export import given, warmup
from t2t_mm.export.card import FILE
from t2t_mm.export.reading import as_data_has_it, read
from t2t_mm.inference.exported import DESCRIPTION
from t2t_mm.inference.run import RunPredictor
from t2t_mm.modalities.base import NO_SCORE


def export(
    predictor: RunPredictor,
    export_dir: str | os.PathLike,
    problems: list[str] | None = None,
    method: Any = None,
    longest: int | None = None,
    as_stored: bool = False,
    scores: bool = False,
    prefixes: bool = False,
    card: str = "",
) -> Path:
    """Writes `<export_dir>/<version>/`, the layout that TensorFlow Serving watches; the version is
    the step.

    Args:
        predictor: inference.run.RunPredictor.
        export_dir: parent of the versions.
        problems: names; all that the model was trained on if not given. Only their weights are
            written.
        method: search.Greedy, Beam or Sampling.
        longest: most symbols of an output; None: as `decoding.decode` says.
        as_stored: whether texts will be sent as the data set has them, such as the words of a
            sentence to be parsed, with spaces between.
        scores: whether there are signatures `<problem>_score` too, of "inputs" and "targets", that
            give the targets' log-probabilities; sets of labels and real numbers have none.
        prefixes: whether there are signatures `<problem>_continue`, of "inputs" and "prefixes",
            whose outputs begin with the prefixes. Of a problem without inputs these two have none,
            and its own has empty texts, one for each output that is wanted.
        card: a model card, see `card.card`, to be written beside the model.

    Returns:
        Path of the version.

    Raises:
        UserError: if it is there already, or can't be written; or if `scores` are wanted and no
            target has a log-probability.
    """
    files.check_local(export_dir, "export_dir")
    names = list(problems or predictor.problems)
    wanted = [predictor.problem(name).targets for name in names]
    if scores and not any(targets.has_log_prob for targets in wanted):
        raise UserError(
            f"scores are wanted, but targets of {', '.join(names)} have no log-probability."
        )
    final = Path(export_dir).expanduser() / str(predictor.step)
    if final.exists():
        raise UserError(
            f"{final} is there already, and is not overwritten. Remove it, or give another "
            "--export_dir."
        )
    partial = final.with_name(f"temp-{final.name}-{os.getpid()}")  # a name that serving passes over
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        module = ServingModule(predictor, names, method or Greedy(), longest, as_stored)
        signatures = module.signatures(scores, prefixes)
        if len(names) == 1:
            signatures["serving_default"] = signatures[names[0]]
        tf.saved_model.save(module, str(partial), signatures)
        served = {name: predictor.problems[name] for name in names}
        warmup.write(partial, served)
        description = {
            name: {"inputs": problem.inputs.described(), "targets": problem.targets.described()}
            for name, problem in served.items()
        }
        (partial / DESCRIPTION).write_text(json.dumps(description))
        if card:
            (partial / FILE).write_text(card, "utf-8")
        os.replace(partial, final)
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise UserError(
            f"{final} can't be written: {reason}. Give an --export_dir on a disk with room, that "
            "you may write to."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return final


class ServingModule(tf.Module):
    """What is saved: a function for each problem, and the weights on their paths."""

    def __init__(
        self,
        predictor: RunPredictor,
        names: list[str],
        method: Any,
        longest: int | None,
        as_stored: bool = False,
    ) -> None:
        super().__init__()
        self._as_stored = as_stored
        self._predictor, self._method, self._longest = predictor, method, longest
        self._names = names
        model = predictor.model
        self.weights = {id(v): v.value for name in names for v in model.variables_of(name)}
        self.weights = list(self.weights.values())
        # the tokenisers' resources have to hang on what is saved
        self.tokenizers = [
            part for name in names for spec in self._specs(name) for part in spec.resources()
        ]

    def _specs(self, name):
        problem = self._predictor.problems[name]
        return problem.inputs, problem.targets

    def signatures(self, scores: bool = False, prefixes: bool = False) -> dict:
        """{name: concrete function of a batch of raw inputs}; arguments as of `export`."""
        made = {}
        for name in self._names:
            targets = self._predictor.problems[name].targets
            is_sequence = targets.is_sequence
            made[name] = self._signature(name, self._texts if is_sequence else self._answers)
            if scores and targets.has_log_prob:
                made[f"{name}_score"] = self._signature(name, self._scores, "targets")
            if prefixes and is_sequence:
                made[f"{name}_continue"] = self._signature(name, self._continued, "prefixes")
        return made

    def _signature(self, name, answer, *beside):
        """A function of strings [batch]: the inputs, and what stands `beside` them, by name."""
        problem = self._predictor.problems[name]
        fields = tuple(problem.inputs.samples())
        # of a problem without inputs, what stands beside them says how many there are
        names = (*fields, *beside) if problem.has_inputs or not beside else beside

        def serve(*sent):
            given = dict(zip(names, sent, strict=True))
            count, rows = tf.size(sent[0]), tf.shape(sent[0])
            # never an empty batch
            blank = tf.fill([tf.cast(count == 0, tf.int32)], "")
            given = {
                name: tf.concat([tf.ensure_shape(tf.reshape(each, rows), [None]), blank], 0)
                for name, each in given.items()
            }
            none = tf.fill(tf.shape(given[names[0]]), "")
            inputs = {field: given.get(field, none) for field in fields}
            batch, is_good = read(problem, inputs, self._as_stored)
            answers = answer(problem, batch, is_good, inputs, *(given[name] for name in beside))
            return {name: value[:count] for name, value in answers.items()}

        signature = [tf.TensorSpec([None], tf.string, name) for name in names]
        function = tf.function(serve, input_signature=signature, autograph=False)
        return function.get_concrete_function()

    def _scores(self, problem, batch, is_good, inputs, targets):
        return given.scores(self._predictor.model, problem, batch, is_good, targets)

    def _continued(self, problem, batch, is_good, inputs, prefixes):
        prefix, has_room = given.prefixes(problem, prefixes, self._longest)
        return self._texts(problem, batch | {"prefix": prefix}, is_good & has_room, inputs)

    def _texts(self, problem, batch, is_good, inputs):
        decoded = decode(
            self._predictor.model, problem.name, batch, self._method, None, self._longest
        )
        shape = tf.shape(decoded.ids)  # [batch, hypotheses, length]
        texts = problem.targets.detokenize(tf.reshape(decoded.ids, [shape[0] * shape[1], shape[2]]))
        if problem.rewrites_outputs:
            sources = as_data_has_it(problem, inputs, is_good, self._as_stored)
            texts = problem.postprocess_in_graph(texts, tf.repeat(sources, shape[1]))
        # Words of a tree are the client's bytes, and the model may produce single bytes: what is
        # sent is UTF-8 nonetheless.
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
        has_score = is_good[:, None] & tf.math.is_finite(decoded.scores)
        texts = tf.where(has_score, tf.reshape(texts, shape[:2]), "")
        scores = tf.where(has_score, decoded.scores, NO_SCORE)
        log_probs = tf.where(has_score, decoded.log_probs, NO_SCORE)
        cut = has_score & decoded.cut
        answers = {"outputs": texts, "scores": scores, "log_probs": log_probs, "cut": cut}
        if self._method.hypotheses == 1:
            return {name: value[:, 0] for name, value in answers.items()}
        return answers

    def _answers(self, problem, batch, is_good, inputs):
        logits = self._predictor.logits(problem, batch)  # [batch, classes]
        return problem.targets.answers_in_graph(logits, is_good)


def size(path: str | os.PathLike) -> int:
    """Bytes of all files under a folder."""
    return int(np.sum([file.stat().st_size for file in Path(path).rglob("*") if file.is_file()]))
