"""Pictures in graph: encoded bytes -> float32 pixels of one size."""

import functools
from typing import Any

import tensorflow as tf

from t2t_mm.modalities.image import decoding
from t2t_mm.modalities.image.formats import JPEG

GREY = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601)


def encode(value: tf.Tensor, spec: Any, training: bool = False, seed: Any = None) -> tf.Tensor:
    """Decodes a picture and brings it to the size of the spec.

    With `fit="crop"` a square is cut out and scaled: `spec.crop` of the short side, in training at
    a random place, else from the middle. With `fit="stretch"` that share of each side is squeezed
    into the square. In training the picture may be mirrored. One that has the size already is taken
    whole. Of a JPEG, training decodes only what is cut: next to the cut its pixels may differ a
    little from those of the whole, which all else decodes.

    Args:
      value: encoded bytes (string scalar) or uint8 [height, width, channels or 3].
      spec: the Image.
      training: whether to augment.
      seed: int32 [2], decides the augmentation; fresh if absent.
    Returns:
      float32 [size, size, channels] in [-1, 1].
    """
    value = tf.convert_to_tensor(value)
    if seed is None:
        seed = tf.random.uniform([2], maxval=2**31 - 1, dtype=tf.int32)
    place = tf.random.stateless_uniform([2], seed) if training else tf.constant([0.5, 0.5])
    window = functools.partial(_window, spec=spec, place=place)
    if value.dtype != tf.string:
        cut = _cut(value, window)
    elif training:
        cut = tf.cond(
            tf.strings.substr(value, 0, len(JPEG)) == JPEG,
            lambda: decoding.jpeg_window(value, window),
            lambda: _cut(decoding.decode(value), window),
        )
        cut.set_shape([None, None, 3])
    else:
        cut = _cut(decoding.decode(value), window)
    fits = tf.reduce_all(tf.shape(cut)[:2] == spec.size)
    # of uint8, which takes no more memory than the picture itself
    resize = lambda: tf.image.resize(cut, [spec.size, spec.size], antialias=True)  # noqa: E731
    pixels = tf.cond(fits, lambda: tf.cast(cut, tf.float32), resize)
    if spec.channels == 1 and cut.shape[-1] == 3:
        pixels = tf.tensordot(pixels, tf.constant(GREY), 1)[:, :, None]
    if training and spec.flip:
        pixels = tf.image.stateless_random_flip_left_right(pixels, tf.add(seed, 1))
    return tf.ensure_shape(pixels, [spec.size, spec.size, spec.channels]) / 127.5 - 1.0


def _window(sides, spec, place):
    """What to cut out of a picture: int32 [2] (height, width) -> [4] (top, left, height, width)."""
    base = sides if spec.fit == "stretch" else tf.fill([2], tf.reduce_min(sides))
    cut = tf.maximum(1, tf.cast(tf.round(spec.crop * tf.cast(base, tf.float32)), tf.int32))
    cut = tf.where(tf.reduce_all(sides == spec.size), sides, cut)
    room = sides - cut
    corner = tf.minimum(tf.cast(place * tf.cast(room + 1, tf.float32), tf.int32), room)
    return tf.concat([corner, cut], 0)


def _cut(pixels, window):
    top, left, height, width = tf.unstack(window(tf.shape(pixels)[:2]))
    return pixels[top : top + height, left : left + width]
