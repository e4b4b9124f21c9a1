"""In graph: raw strings, encoded pictures or WAV files to a batch of the model, whatever some of
them hold."""

import tensorflow as tf

from t2t_mm.inference.inputs import MOST_POSITIONS
from t2t_mm.problem.base import Problem


def read(
    problem: Problem, inputs: dict[str, tf.Tensor], as_stored: bool = False
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """In graph: raw inputs, {name: strings [batch]} -> (the model's batch, bool [batch]: which
    could be read).

    What can't be read stands as an empty example. An operation that fails would fail the whole
    batch; in a data set, elements that fail can be passed over.
    """
    spec, raw = problem.inputs, _reader(problem, as_stored)
    count = tf.size(next(iter(inputs.values())))

    def encoded(index, contents):
        value = problem.encode_inputs(raw(contents))
        return index, spec.positions(value), spec.in_batch(value)

    rows = tf.data.Dataset.from_tensor_slices((tf.range(count), inputs))
    rows = rows.map(encoded).ignore_errors()
    rows = rows.filter(lambda index, positions, row: _fits(positions))
    specs: dict[str, tf.TensorSpec] = rows.element_spec[2]
    values = {key: _strings() for key in specs}
    found = tf.TensorArray(tf.int32, 0, dynamic_size=True, element_shape=[])

    def add(state, element):
        (count, found, values), (index, _, row) = state, element
        packed = {
            key: array.write(count, tf.io.serialize_tensor(row[key]))
            for key, array in values.items()
        }
        return count + 1, found.write(count, index), packed

    _, found, values = rows.reduce((0, found, values), add)
    found = found.stack()  # [good]
    is_good = tf.scatter_nd(found[:, None], tf.ones_like(found, tf.bool), [count])
    place = tf.cumsum(tf.cast(is_good, tf.int32)) - 1  # of each example among the good ones
    return {key: _column(values[key].stack(), specs[key], is_good, place) for key in specs}, is_good


def _fits(positions):
    return (positions > 0) & (positions <= MOST_POSITIONS)


def _strings():
    return tf.TensorArray(tf.string, 0, dynamic_size=True, element_shape=[])


def _column(packed, spec, is_good, place):
    """The values of one key of the batch, padded where they differ in length: ones where there is
    none, so that a mask is never all false."""
    shape, kind = spec.shape, spec.dtype

    def one(index):
        blank = tf.cast(
            tf.fill([1 if size is None else size for size in shape], kind.is_bool), kind
        )
        value = tf.cond(
            is_good[index], lambda: tf.io.parse_tensor(packed[place[index]], kind), lambda: blank
        )
        return tf.ensure_shape(value, shape)

    every = tf.range(tf.size(is_good))
    if shape[0] is not None:
        return tf.map_fn(one, every, fn_output_signature=tf.TensorSpec(shape, kind))
    signature = tf.RaggedTensorSpec(shape, kind, ragged_rank=0)
    return tf.map_fn(one, every, fn_output_signature=signature).to_tensor()


def as_data_has_it(
    problem: Problem, inputs: dict[str, tf.Tensor], is_good: tf.Tensor, as_stored: bool = False
) -> tf.Tensor:
    """In graph: texts as the data set would have them, strings [batch], "" for those that can't be
    read; other arguments and results as of `read`."""
    raw = _reader(problem, as_stored)

    def one(pair):
        contents, can_be_read = pair
        return tf.cond(can_be_read, lambda: raw(contents), lambda: "")

    return tf.map_fn(one, (inputs, is_good), fn_output_signature=tf.TensorSpec([], tf.string))


def _reader(problem: Problem, as_stored: bool):
    """A function, in graph, of what a client sends, to what `encode_inputs` takes."""
    read_one = problem.inputs.received
    return read_one if as_stored else lambda contents: problem.preprocess(read_one(contents))
