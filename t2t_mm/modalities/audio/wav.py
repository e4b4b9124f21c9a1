"""WAV files in graph: integers of 8 to 32 bits, floats, A-law and µ-law, of any number of channels.

TensorFlow's own reader takes 16-bit integers alone, and no extensible, streamed or long header.
"""

import numpy as np
import tensorflow as tf

from t2t_mm.modalities.audio.encoding import resampled
from t2t_mm.modalities.audio.headers import (
    A_LAW,
    CHUNKS,
    CODINGS,
    EXTENSIBLE,
    FLOATS,
    INTEGERS,
    MU_LAW,
    UNKNOWN,
)
from t2t_mm.modalities.audio.reading import CANCELLED, LONGEST, LOUDEST, MOST_SAMPLES


def samples(content: tf.Tensor, rate: int) -> tf.Tensor:
    """In graph: a WAV file of any sampling rate and number of channels -> int16 [samples] at
    `rate`. It fails for what `reading.read` refuses."""
    channels, has = decode_wav(content)
    sound = tf.reduce_mean(channels, axis=1)
    length, count = tf.shape(channels)[0], tf.cast(tf.shape(channels)[1], tf.float32)
    mean_power, power = (tf.reduce_mean(tf.square(each)) for each in (sound, channels))
    checks = [
        tf.debugging.assert_positive(length),
        tf.debugging.assert_less_equal(length // has, LONGEST),
        tf.debugging.assert_less_equal(tf.size(channels), MOST_SAMPLES),
        # also false for what is no number
        tf.debugging.Assert(tf.reduce_max(tf.abs(channels)) <= LOUDEST, ["no fractions"]),
        tf.debugging.Assert(tf.reduce_all(tf.math.is_finite(channels)), ["no numbers"]),
        tf.debugging.Assert(mean_power >= CANCELLED / count * power, ["opposite phase"]),
    ]
    with tf.control_dependencies(checks):
        sound = tf.cond(has == rate, lambda: sound, lambda: resampled(sound, has, rate))
    sound = tf.clip_by_value(tf.round(sound * 2.0**15), -(2.0**15), 2.0**15 - 1)
    with tf.control_dependencies([tf.debugging.assert_positive(tf.size(sound))]):
        return tf.cast(sound, tf.int16)


def decode_wav(content: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """A WAV file, a string scalar -> (float32 [samples, channels] in [-1, 1], samples per second,
    int32).

    Its operations fail for what is no such file, and for one that is cut off.
    """
    kind = tf.strings.substr(content, 0, 4)
    is_known = (kind == b"RIFF") | (kind == b"RF64")
    is_wave = tf.strings.substr(content, 8, 4) == b"WAVE"
    with tf.control_dependencies([tf.debugging.Assert(is_known & is_wave, ["no WAV file"])]):
        form, data = _chunks(content, kind == b"RF64")
    fields = tf.cast(_decoded(tf.strings.substr(content, form, 16), tf.uint16), tf.int32)  # [8]
    (rate,) = tf.unstack(_decoded(tf.strings.substr(content, form + 4, 4), tf.int32), 1)
    longer = lambda: tf.cast(  # noqa: E731
        _decoded(tf.strings.substr(content, form + 24, 2), tf.uint16), tf.int32
    )[0]
    tag = tf.cond(fields[0] == EXTENSIBLE, longer, lambda: fields[0])
    channels, align, bits = fields[1], fields[6], fields[7]
    is_read = tf.reduce_any(tf.reduce_all(tf.constant(CODINGS) == [tag, bits], 1))
    checks = [
        tf.debugging.assert_positive(rate),
        tf.debugging.assert_positive(channels),
        tf.debugging.Assert(is_read, ["neither integers, floats, A-law nor mu-law"]),
        tf.debugging.assert_equal(align, channels * bits // 8),
    ]
    with tf.control_dependencies(checks):
        frame = channels * bits // 8
    size = tf.strings.length(data) // frame * frame
    samples = _numbers(tf.strings.substr(data, 0, size), tag, bits)
    return tf.reshape(samples, [-1, channels]), rate


def _chunks(content, is_long):
    """(place of the format's fields, bytes of the data)"""
    length = tf.strings.length(content)

    def size(place):
        (found,) = tf.unstack(_decoded(tf.strings.substr(content, place + 4, 4), tf.int32), 1)
        return tf.where(found < 0, UNKNOWN, found)

    def is_(name, place):
        return tf.strings.substr(content, place, 4) == name

    def onward(place, form):
        form = tf.where((form < 0) & is_(b"fmt ", place), place + 8, form)
        step = tf.minimum(size(place), length)
        return place + 8 + step + step % 2, form

    place, form = tf.while_loop(
        lambda place, form: ~is_(b"data", place),
        onward,
        (tf.constant(12), tf.constant(-1)),
        maximum_iterations=CHUNKS,
    )
    # of a long file, the first chunk has the size
    announced = tf.cond(
        is_long,
        lambda: _decoded(tf.strings.substr(content, 28, 8), tf.int64)[0],
        lambda: tf.cast(size(place), tf.int64),
    )
    is_unknown = announced >= UNKNOWN
    rest = tf.cast(length - place - 8, tf.int64)
    checks = [
        tf.debugging.assert_positive(form, "no format"),
        tf.debugging.Assert(is_(b"data", place), ["no sound"]),
        tf.debugging.Assert(is_unknown | (announced <= rest), ["cut off"]),
    ]
    with tf.control_dependencies(checks):
        taken = tf.cast(tf.where(is_unknown, rest, announced), tf.int32)
        return tf.identity(form), tf.strings.substr(content, place + 8, taken)


def _numbers(data, tag, bits):
    """Bytes -> float32 in [-1, 1]."""

    def three_bytes():
        low, middle, high = tf.unstack(
            tf.reshape(tf.cast(_decoded(data, tf.uint8), tf.int32), [-1, 3]), axis=1
        )
        return (
            tf.cast(low + 256 * middle + 65536 * (high - 256 * (high // 128)), tf.float32) / 2.0**23
        )

    kinds = {
        (INTEGERS, 8): lambda: (tf.cast(_decoded(data, tf.uint8), tf.float32) - 128.0) / 128.0,
        (INTEGERS, 16): lambda: tf.cast(_decoded(data, tf.int16), tf.float32) / 2.0**15,
        (INTEGERS, 24): three_bytes,
        (INTEGERS, 32): lambda: tf.cast(
            tf.cast(_decoded(data, tf.int32), tf.float64) / 2.0**31, tf.float32
        ),
        (FLOATS, 32): lambda: _decoded(data, tf.float32),
        (FLOATS, 64): lambda: tf.cast(_decoded(data, tf.float64), tf.float32),
        (A_LAW, 8): lambda: tf.gather(a_law(), tf.cast(_decoded(data, tf.uint8), tf.int32)),
        (MU_LAW, 8): lambda: tf.gather(mu_law(), tf.cast(_decoded(data, tf.uint8), tf.int32)),
    }
    return tf.case([((tag == kind) & (bits == size), read) for (kind, size), read in kinds.items()])


def a_law() -> np.ndarray:
    """What each byte of A-law stands for (ITU-T G.711): float32 [256]."""
    code = np.arange(256) ^ 0x55
    exponent, mantissa = code >> 4 & 7, code & 15
    size = np.where(
        exponent == 0, 2 * mantissa + 1, (2 * mantissa + 33) << np.maximum(exponent - 1, 0)
    )
    return np.float32(np.where(code & 128, size, -size) / 2.0**12)


def mu_law() -> np.ndarray:
    """What each byte of µ-law stands for (ITU-T G.711): float32 [256]."""
    code = ~np.arange(256) & 255
    exponent, mantissa = code >> 4 & 7, code & 15
    size = ((2 * mantissa + 33) << exponent) - 33
    return np.float32(np.where(code & 128, -size, size) / 2.0**13)


def _decoded(data, dtype):
    """Bytes of a scalar string as little-endian numbers of a type: [count]."""
    return tf.io.decode_raw(data, dtype)
