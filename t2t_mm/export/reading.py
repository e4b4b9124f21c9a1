"""In graph: raw strings, encoded pictures or WAV files to a batch of the model, whatever some of
them hold."""

import tensorflow as tf

from t2t_mm.inference.inputs import MOST_POSITIONS
from t2t_mm.problem.base import Problem


def read(
    problem: Problem, inputs: tf.Tensor, as_stored: bool = False
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """In graph: raw inputs, strings [batch] -> (the model's batch, bool [batch]: which could be
    read).

    What can't be read stands as an empty example. An operation that fails would fail the whole
    batch; in a data set, elements that fail can be passed over.
    """
    spec, raw = problem.inputs, _reader(problem, as_stored)
    rows = tf.data.Dataset.from_tensor_slices((tf.range(tf.size(inputs)), inputs))
    rows = rows.map(lambda index, value: (index, problem.encode_inputs(raw(value)))).ignore_errors()
    shape, kind = rows.element_spec[1].shape, rows.element_spec[1].dtype
    if spec.masked:
        rows = rows.filter(
            lambda index, value: (
                (tf.shape(value)[0] > 0) & (spec.positions(value) <= MOST_POSITIONS)
            )
        )
    found = tf.TensorArray(tf.int32, 0, dynamic_size=True, element_shape=[])
    values = tf.TensorArray(tf.string, 0, dynamic_size=True, element_shape=[])

    def add(state, row):
        count, found, values = state
        return (
            count + 1,
            found.write(count, row[0]),
            values.write(count, tf.io.serialize_tensor(row[1])),
        )

    _, found, values = rows.reduce((0, found, values), add)
    found = found.stack()  # [good]
    is_good = tf.scatter_nd(found[:, None], tf.ones_like(found, tf.bool), tf.shape(inputs))
    place = tf.cumsum(tf.cast(is_good, tf.int32)) - 1  # of each example among the good ones
    packed = values.stack()

    def one(index):
        blank = tf.zeros([1 if size is None else size for size in shape], kind)
        value = tf.cond(
            is_good[index], lambda: tf.io.parse_tensor(packed[place[index]], kind), lambda: blank
        )
        return tf.ensure_shape(value, shape)

    every = tf.range(tf.size(inputs))
    if not spec.masked:
        return {
            "inputs": tf.map_fn(one, every, fn_output_signature=tf.TensorSpec(shape, kind))
        }, is_good
    ragged = tf.map_fn(
        one, every, fn_output_signature=tf.RaggedTensorSpec(shape, kind, ragged_rank=0)
    )
    return {
        "inputs": ragged.to_tensor(),
        "inputs_mask": tf.sequence_mask(ragged.row_lengths()),
    }, is_good


def as_data_has_it(
    problem: Problem, inputs: tf.Tensor, is_good: tf.Tensor, as_stored: bool = False
) -> tf.Tensor:
    """In graph: texts as the data set would have them, strings [batch], "" for those that can't be
    read; other arguments and results as of `read`."""
    raw = _reader(problem, as_stored)

    def one(pair):
        value, can_be_read = pair
        return tf.cond(can_be_read, lambda: raw(value), lambda: "")

    return tf.map_fn(one, (inputs, is_good), fn_output_signature=tf.TensorSpec([], tf.string))


def _reader(problem: Problem, as_stored: bool):
    """A function, in graph, of what a client sends, to what `encode_inputs` takes."""
    read_one = problem.inputs.read_in_graph
    return read_one if as_stored else lambda value: problem.preprocess(read_one(value))
