"""Pictures in graph: encoded bytes -> float32 pixels of one size."""

import tensorflow as tf


def encode(value, spec, training: bool = False, seed=None):
    """Decodes a picture and cuts a square out of it, scaled to the size of the spec.

    The square is `spec.crop` of the short side: in training at a random place and possibly mirrored, else
    from the middle. A picture that has the size already is taken whole.

    Args:
      value: encoded bytes (string scalar) or uint8 [height, width, channels].
      spec: features.Image.
      training: whether to augment.
      seed: int32 [2], decides the augmentation; fresh if absent.
    Returns:
      float32 [size, size, channels] in [-1, 1].
    """
    if value.dtype == tf.string:
        value = tf.io.decode_image(value, channels=spec.channels, expand_animations=False)
        value.set_shape([None, None, spec.channels])
    if seed is None:
        seed = tf.random.uniform([2], maxval=2**31 - 1, dtype=tf.int32)
    height, width = tf.shape(value)[0], tf.shape(value)[1]
    whole = tf.logical_and(height == spec.size, width == spec.size)

    def square():
        # cut first and scale after: pixels that are thrown away need no scaling
        short = tf.minimum(height, width)
        side = tf.maximum(1, tf.cast(tf.round(spec.crop * tf.cast(short, tf.float32)), tf.int32))
        room = tf.stack([height - side, width - side])
        place = tf.random.stateless_uniform([2], seed) if training else tf.constant([0.5, 0.5])
        corner = tf.minimum(tf.cast(place * tf.cast(room + 1, tf.float32), tf.int32), room)
        cut = tf.image.crop_to_bounding_box(value, corner[0], corner[1], side, side)
        return tf.image.resize(cut, [spec.size, spec.size], antialias=True)

    pixels = tf.cond(whole, lambda: tf.cast(value, tf.float32), square)
    if training and spec.flip:
        pixels = tf.image.stateless_random_flip_left_right(pixels, tf.add(seed, 1))
    return tf.ensure_shape(pixels, [spec.size, spec.size, spec.channels]) / 127.5 - 1.0
