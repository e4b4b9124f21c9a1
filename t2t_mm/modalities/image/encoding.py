"""Pictures in graph: encoded bytes -> float32 pixels of one size."""

from typing import Any

import tensorflow as tf

PNG = b"\x89PNG\r\n\x1a\n"


def encode(value: tf.Tensor, spec: Any, training: bool = False, seed: Any = None) -> tf.Tensor:
    """Decodes a picture and brings it to the size of the spec.

    With `fit="crop"` a square is cut out and scaled: `spec.crop` of the short side, in training at
    a random place, else from the middle. With `fit="stretch"` that share of each side is squeezed
    into the square. In training the picture may be mirrored. One that has the size already is taken
    whole. Of a JPEG, only what is cut is decoded.

    Args:
      value: encoded bytes (string scalar) or uint8 [height, width, channels].
      spec: the Image.
      training: whether to augment.
      seed: int32 [2], decides the augmentation; fresh if absent.
    Returns:
      float32 [size, size, channels] in [-1, 1].
    """
    if seed is None:
        seed = tf.random.uniform([2], maxval=2**31 - 1, dtype=tf.int32)
    place = tf.random.stateless_uniform([2], seed) if training else tf.constant([0.5, 0.5])
    if value.dtype == tf.string:
        cut = tf.cond(
            tf.io.is_jpeg(value),
            lambda: _cut_jpeg(value, spec, place),
            lambda: _cut(_decode(value, spec), spec, place),
        )
        cut.set_shape([None, None, spec.channels])
    else:
        cut = _cut(value, spec, place)
    fits = tf.reduce_all(tf.shape(cut)[:2] == spec.size)
    resize = lambda: tf.image.resize(cut, [spec.size, spec.size], antialias=True)  # noqa: E731
    pixels = tf.cond(fits, lambda: tf.cast(cut, tf.float32), resize)
    if training and spec.flip:
        pixels = tf.image.stateless_random_flip_left_right(pixels, tf.add(seed, 1))
    return tf.ensure_shape(pixels, [spec.size, spec.size, spec.channels]) / 127.5 - 1.0


def _window(shape, spec, place):
    """What to cut out of a picture of `shape`: int32 [4], (top, left, height, width)."""
    sides = shape[:2]  # height, width
    base = sides if spec.fit == "stretch" else tf.fill([2], tf.reduce_min(sides))
    cut = tf.maximum(1, tf.cast(tf.round(spec.crop * tf.cast(base, tf.float32)), tf.int32))
    cut = tf.where(tf.reduce_all(sides == spec.size), sides, cut)
    room = sides - cut
    corner = tf.minimum(tf.cast(place * tf.cast(room + 1, tf.float32), tf.int32), room)
    return tf.concat([corner, cut], 0)


def _cut_jpeg(value, spec, place):
    window = _window(tf.io.extract_jpeg_shape(value), spec, place)
    return tf.io.decode_and_crop_jpeg(value, window, channels=spec.channels)


def _cut(pixels, spec, place):
    top, left, height, width = tf.unstack(_window(tf.shape(pixels), spec, place))
    return pixels[top : top + height, left : left + width]


def _decode(value, spec):
    """uint8 [height, width, channels]; what is transparent shows white."""

    def png():
        pixels = tf.cast(
            tf.io.decode_png(value, channels=4), tf.float32
        )  # without transparency, opaque
        opacity = pixels[:, :, 3:] / 255.0
        pixels = tf.cast(tf.round(pixels[:, :, :3] * opacity + 255.0 * (1.0 - opacity)), tf.uint8)
        return pixels if spec.channels == 3 else tf.image.rgb_to_grayscale(pixels)

    def other():
        pixels = tf.io.decode_image(value, channels=3, expand_animations=False)
        pixels = tf.ensure_shape(pixels, [None, None, 3])
        return pixels if spec.channels == 3 else tf.image.rgb_to_grayscale(pixels)

    return tf.cond(tf.strings.substr(value, 0, len(PNG)) == PNG, png, other)
