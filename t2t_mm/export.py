"""SavedModels of trained models: raw strings, pictures or sounds in; texts and scores, or classes, out.

One signature a problem, with all that it needs in its graph: tokenisation, decoding of pictures, audio features,
search, detokenisation. Loading takes tensorflow and tensorflow_text (for the tokeniser), and nothing of ours.
"""

import os
import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf

from t2t_mm.errors import UserError
from t2t_mm.search import Greedy, decode

NEVER = float("-inf")  # score of the answer to an input that can't be read


def export(predictor, export_dir, problems=None, method=None, longest=256):
    """Writes `<export_dir>/<version>/`, the layout that TensorFlow Serving watches; the version is the step.

    Args:
        predictor: predictor.Predictor.
        export_dir: parent of the versions.
        problems: names; all that the model was trained on if not given. Only their weights are written.
        method: search.Greedy, Beam or Sampling.
        longest: most symbols of an output.

    Returns:
        Path of the version.

    Raises:
        UserError: if it is there already, or can't be written.
    """
    names = list(problems or predictor.problems)
    for name in names:
        predictor.problem(name)
    final = Path(export_dir).expanduser() / str(predictor.step)
    if final.exists():
        raise UserError(f"{final} is there already, and is not overwritten. Remove it, or give another --export_dir.")
    partial = final.with_name(f"temp-{final.name}-{os.getpid()}")  # a name that serving passes over
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        module = Exported(predictor, names, method or Greedy(), longest)
        signatures = module.signatures()
        if len(names) == 1:
            signatures["serving_default"] = signatures[names[0]]
        tf.saved_model.save(module, str(partial), signatures)
        os.replace(partial, final)
    except OSError as error:
        raise UserError(f"{final} can't be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return final


class Exported(tf.Module):
    """What is saved: a function for each problem, and the weights on their paths."""

    def __init__(self, predictor, names, method, longest):
        super().__init__()
        self._predictor, self._method, self._longest = predictor, method, longest
        self._names = names
        model = predictor.model
        self.weights = {id(v): v.value for name in names for v in model.variables_of(name)}
        self.weights = list(self.weights.values())
        # the tokenisers' resources have to hang on what is saved
        self.tokenizers = [part for name in names for spec in self._specs(name) if spec.kind == "language"
                           for part in resources(spec.vocabulary())]  # fmt: skip

    def _specs(self, name):
        problem = self._predictor.problems[name]
        return problem.inputs, problem.targets

    def signatures(self) -> dict:
        """{problem: concrete function of a batch of raw inputs}."""
        text = tf.TensorSpec([None], tf.string, "inputs")
        return {name: tf.function(self._server(name), input_signature=[text]).get_concrete_function()
                for name in self._names}

    def _server(self, name):
        problem = self._predictor.problems[name]
        answer = self._classes if problem.targets.kind == "categorical" else self._texts

        def serve(inputs):
            batch, is_good = read(problem, inputs)
            return answer(problem, batch, is_good)

        return serve

    def _texts(self, problem, batch, is_good):
        decoded = decode(self._predictor.model, problem.name, batch, self._method, None, self._longest)
        shape = tf.shape(decoded.ids)  # [batch, hypotheses, length]
        texts = problem.targets.vocabulary().detokenize(tf.reshape(decoded.ids, [shape[0] * shape[1], shape[2]]))
        texts = tf.where(is_good[:, None], tf.reshape(texts, shape[:2]), "")
        scores = tf.where(is_good[:, None], decoded.scores, NEVER)
        log_probs = tf.where(is_good[:, None], decoded.log_probs, NEVER)
        if self._method.hypotheses == 1:
            texts, scores, log_probs = texts[:, 0], scores[:, 0], log_probs[:, 0]
        return {"outputs": texts, "scores": scores, "log_probs": log_probs}

    def _classes(self, problem, batch, is_good):
        logits = self._predictor.model(batch, problem=problem.name, training=False)["logits"][:, 0]
        names = problem.targets.names or tuple(str(i) for i in range(problem.targets.num_classes))
        classes = tf.argmax(logits, axis=-1, output_type=tf.int32)
        scores = tf.reduce_max(tf.nn.log_softmax(logits), axis=-1)
        return {
            "classes": tf.where(is_good, classes, -1),
            "labels": tf.where(is_good, tf.gather(list(names), classes), ""),
            "probabilities": tf.where(is_good[:, None], tf.nn.softmax(logits), 0.0),
            "scores": tf.where(is_good, scores, NEVER),
        }


def read(problem, inputs):
    """In graph: raw inputs, strings [batch] -> (the model's batch, bool [batch]: which could be read).

    What can't be read stands as an empty example. An operation that fails would fail the whole batch; in a data set,
    elements that fail can be passed over.
    """
    spec = problem.inputs
    rows = tf.data.Dataset.from_tensor_slices((tf.range(tf.size(inputs)), inputs))
    rows = rows.map(lambda index, value: (index, problem.encode_inputs(value_of(spec, value)))).ignore_errors()
    shape, kind = rows.element_spec[1].shape, rows.element_spec[1].dtype
    if spec.masked:
        rows = rows.filter(lambda index, value: tf.shape(value)[0] > 0)
    found = tf.TensorArray(tf.int32, 0, dynamic_size=True, element_shape=[])
    values = tf.TensorArray(tf.string, 0, dynamic_size=True, element_shape=[])

    def add(state, row):
        count, found, values = state
        return count + 1, found.write(count, row[0]), values.write(count, tf.io.serialize_tensor(row[1]))

    _, found, values = rows.reduce((0, found, values), add)
    found = found.stack()  # [good]
    is_good = tf.scatter_nd(found[:, None], tf.ones_like(found, tf.bool), tf.shape(inputs))
    place = tf.cumsum(tf.cast(is_good, tf.int32)) - 1  # of each example among the good ones
    packed = values.stack()

    def one(index):
        blank = tf.zeros([1 if size is None else size for size in shape], kind)
        value = tf.cond(is_good[index], lambda: tf.io.parse_tensor(packed[place[index]], kind), lambda: blank)
        return tf.ensure_shape(value, shape)

    every = tf.range(tf.size(inputs))
    if not spec.masked:
        return {"inputs": tf.map_fn(one, every, fn_output_signature=tf.TensorSpec(shape, kind))}, is_good
    ragged = tf.map_fn(one, every, fn_output_signature=tf.RaggedTensorSpec(shape, kind, ragged_rank=0))
    return {"inputs": ragged.to_tensor(), "inputs_mask": tf.sequence_mask(ragged.row_lengths())}, is_good


def value_of(spec, value):
    """In graph: a raw input, a string scalar, as `Problem.encode_inputs` takes it."""
    if spec.kind == "audio":
        return samples(value, spec.sample_rate)
    if spec.kind == "language":
        with tf.control_dependencies([tf.debugging.assert_greater(tf.strings.length(tf.strings.strip(value)), 0)]):
            return tf.identity(value)
    return value


def samples(content, rate):
    """In graph: a WAV file of any sampling rate and number of channels -> float32 [samples] at `rate`."""
    sound, has = tf.audio.decode_wav(content)
    sound = tf.reduce_mean(sound, axis=1)
    length = tf.shape(sound)[0]
    wanted = tf.cast(tf.round(tf.cast(length, tf.float64) * rate / tf.cast(has, tf.float64)), tf.int32)
    with tf.control_dependencies([tf.debugging.assert_positive(wanted)]):
        return tf.cond(has == rate, lambda: sound, lambda: resampled(sound, wanted))


def resampled(sound, wanted):
    """Sound with another number of samples: what of its spectrum fits under the new half sampling rate."""
    length = tf.shape(sound)[0]
    spectrum = tf.signal.rfft(sound)  # [length / 2 + 1]
    bins = wanted // 2 + 1
    kept = spectrum[:bins]
    kept = tf.pad(kept, [[0, bins - tf.shape(kept)[0]]])
    scale = tf.cast(wanted, tf.float32) / tf.cast(length, tf.float32)
    return tf.signal.irfft(kept, [wanted]) * scale


def resources(vocabulary) -> list:
    """The objects of a vocabulary that hold TensorFlow resources."""
    held = [getattr(vocabulary, name, None) for name in ("_tokenizer", "_table")]
    return [part for part in held if part is not None]


def size(path) -> int:
    """Bytes of all files under a folder."""
    return int(np.sum([file.stat().st_size for file in Path(path).rglob("*") if file.is_file()]))
