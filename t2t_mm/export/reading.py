"""In graph: raw strings, encoded pictures or WAV files to a batch of the model, whatever some of
them hold."""

import tensorflow as tf

from t2t_mm.data.readers.kaldi import LONGEST
from t2t_mm.inference.answer import MOST_POSITIONS
from t2t_mm.modalities.audio.encoding import resampled
from t2t_mm.modalities.audio.wav import decode_wav

# What Python's str.strip leaves nothing of.
BLANK = (
    r"[\s\x0b\x1c-\x1f\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}"
    r"\x{202f}\x{205f}\x{3000}]*"
)


def read(problem, inputs):
    """In graph: raw inputs, strings [batch] -> (the model's batch, bool [batch]: which could be
    read).

    What can't be read stands as an empty example. An operation that fails would fail the whole
    batch; in a data set, elements that fail can be passed over.
    """
    spec = problem.inputs
    rows = tf.data.Dataset.from_tensor_slices((tf.range(tf.size(inputs)), inputs))
    rows = rows.map(
        lambda index, value: (index, problem.encode_inputs(value_of(spec, value)))
    ).ignore_errors()
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


def value_of(spec, value):
    """In graph: a raw input, a string scalar, as `Problem.encode_inputs` takes it; fails if it is
    none."""
    if spec.kind == "audio":
        return samples(value, spec.sample_rate)
    if spec.kind == "language":
        check = tf.debugging.Assert(
            ~tf.strings.regex_full_match(value, BLANK), ["the text is empty"]
        )
    else:
        # Decoded to its end: of a truncated JPEG, a part may be intact. Without the assertion,
        # the decoding is pruned.
        pixels = tf.io.decode_image(value, channels=3, expand_animations=False)
        check = tf.debugging.assert_positive(tf.size(pixels))
    with tf.control_dependencies([check]):
        return tf.identity(value)


def samples(content, rate):
    """In graph: a WAV file of any sampling rate and number of channels -> int16 [samples] at
    `rate`."""
    sound, has = decode_wav(content)
    sound = tf.reduce_mean(sound, axis=1)
    length = tf.shape(sound)[0]
    checks = [
        tf.debugging.assert_positive(length),
        tf.debugging.assert_less_equal(length // has, LONGEST),
    ]
    with tf.control_dependencies(checks):
        sound = tf.cond(has == rate, lambda: sound, lambda: resampled(sound, has, rate))
    sound = tf.clip_by_value(tf.round(sound * 2.0**15), -(2.0**15), 2.0**15 - 1)
    with tf.control_dependencies([tf.debugging.assert_positive(tf.size(sound))]):
        return tf.cast(sound, tf.int16)
