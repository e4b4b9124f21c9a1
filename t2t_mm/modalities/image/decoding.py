"""Encoded pictures to pixels, in graph: the one decoder of training, of answers and of an export.

Whatever way a picture comes in, these rules hold: it is upright, as its EXIF says; where it is
transparent it shows white; of 16 bits the upper 8 count; of an animation, the first picture. One
with too many pixels is refused before it is decoded. What this can't read, `reading.decodable`
makes a PNG of.
"""

import functools
from collections.abc import Callable

import tensorflow as tf

from t2t_mm.modalities.image import headers
from t2t_mm.modalities.image.formats import BMP, GIF, JPEG, PNG
from t2t_mm.modalities.image.headers import number, part

DCT = "INTEGER_ACCURATE"  # the method that Pillow has, to the same pixels


def decode(content: tf.Tensor) -> tf.Tensor:
    """A JPEG, PNG, GIF or BMP (not compressed), a string scalar -> uint8 [height, width, 3]."""
    content = tf.convert_to_tensor(content)
    graph, definition = _traced()
    if tf.executing_eagerly():
        return graph(content)
    # A copy, since a data set that calls a function can't be saved with a run.
    here = {graph.inputs[0].name: tf.identity(content)}  # in the branch of a condition, too
    (pixels,) = tf.graph_util.import_graph_def(
        definition, here, [graph.outputs[0].name], name="decode"
    )
    return tf.ensure_shape(pixels, [None, None, 3])


@functools.cache
def _traced():
    """The decoder's graph, and as GraphDef: traced once, which takes a second."""
    with tf.init_scope():
        content = tf.TensorSpec([], tf.string)
        graph = tf.function(_decode, autograph=False).get_concrete_function(content)
    return graph, graph.graph.as_graph_def()


def _decode(content):
    def unknown():
        with tf.control_dependencies([headers.check(tf.constant(False), "no picture")]):
            return tf.zeros([1, 1, 3], tf.uint8), tf.constant(b"")

    readers = {JPEG: _jpeg, PNG: _png, GIF: _gif, BMP: _bmp}
    cases = [
        (part(content, 0, len(start)) == start, functools.partial(read, content))
        for start, read in readers.items()
    ]
    pixels, exif = tf.case(cases, unknown)
    return upright(tf.ensure_shape(pixels, [None, None, 3]), headers.orientation(exif))


def jpeg_window(content: tf.Tensor, window: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """What is to be seen of a JPEG; no more of it is decoded.

    Args:
        content: a string scalar.
        window: function of the upright picture's shape, int32 [2], that gives what to take: int32
            [4], (top, left, height, width).

    Returns:
        uint8 [height, width, 3].
    """
    stored = tf.io.extract_jpeg_shape(content)[:2]
    stands = headers.orientation(headers.jpeg_exif(content))
    with tf.control_dependencies([headers.check_size(stored[0], stored[1])]):
        top, left, height, width = tf.unstack(window(tf.where(stands >= 5, stored[::-1], stored)))
    box = tf.where(stands >= 5, [left, top, width, height], [top, left, height, width])
    top, left, height, width = tf.unstack(box)  # now of the picture as it is stored
    upside_down, mirrored = _flips(stands)
    top = tf.where(upside_down, stored[0] - top - height, top)
    left = tf.where(mirrored, stored[1] - left - width, left)
    box = tf.stack([top, left, height, width])
    pixels = tf.io.decode_and_crop_jpeg(content, box, channels=3, dct_method=DCT)
    return upright(pixels, stands)


def upright(pixels: tf.Tensor, stands: tf.Tensor) -> tf.Tensor:
    """Turns pixels [height, width, channels] that stand as EXIF says, 1 (upright) to 8."""

    def turned():
        axes = tf.reshape(tf.where(tf.stack(_flips(stands))), [-1])
        order = tf.where(stands >= 5, [1, 0, 2], [0, 1, 2])
        return tf.ensure_shape(tf.transpose(tf.reverse(pixels, axes), order), [None, None, 3])

    return tf.cond(stands > 1, turned, lambda: pixels)


def _flips(stands):
    """Whether rows, and whether columns, are stored in reverse; from 5 on, the two are swapped
    besides."""
    return tf.reduce_any(stands == [3, 4, 6, 7]), tf.reduce_any(stands == [2, 3, 7, 8])


def on_white(pixels: tf.Tensor) -> tf.Tensor:
    """uint8 [height, width, 4], the last channel opacity -> [height, width, 3] on white."""
    opacity = tf.cast(pixels[:, :, 3:], tf.uint16)
    dark = tf.cast(255 - pixels[:, :, :3], tf.uint16) * opacity  # at most 255 * 255
    return 255 - tf.cast((dark + 127) // 255, tf.uint8)


# Each of these gives the pixels as they are stored, and the TIFF block of the EXIF, empty if there
# is none.


def _jpeg(content):
    shape = tf.io.extract_jpeg_shape(content)
    with tf.control_dependencies([headers.check_size(shape[0], shape[1])]):
        pixels = tf.io.decode_jpeg(content, channels=3, dct_method=DCT)
    return pixels, headers.jpeg_exif(content)


def _png(content):
    width, height = number(content, 16, 4), number(content, 20, 4)
    with tf.control_dependencies([headers.check_size(height, width)]):
        is_transparent, exif = headers.png_chunks(content)
    has_opacity = number(content, 25, 1) & 4 > 0  # of the kind of colours
    # Four channels only where there are: TensorFlow takes the highest value of a sample, 1 where it
    # has 1 bit, for full opacity.
    pixels = tf.cond(
        is_transparent | has_opacity,
        lambda: on_white(tf.io.decode_png(content, channels=4)),
        lambda: tf.io.decode_png(content, channels=3),
    )
    return pixels, exif


def _bmp(content):
    """Colours, or numbers of a palette's colours, that are not compressed. TensorFlow's own decoder
    takes palettes for greys."""
    header, width, height, bits, compression, count = (
        number(content, at, 2 if at == 28 else 4, little=True) for at in (14, 18, 22, 28, 30, 46)
    )
    from_top = height >= 2**31  # negative
    height = tf.where(from_top, 2**32 - height, height)
    is_plain = tf.reduce_any(bits == [1, 4, 8, 24, 32]) & (compression == 0) & (header >= 40)
    checks = [headers.check_size(height, width), headers.check(is_plain, "a BMP of another kind")]
    with tf.control_dependencies(checks):
        header, width, height, bits = (
            tf.cast(each, tf.int32) for each in (header, width, height, bits)
        )
    line = (width * bits + 31) // 32 * 4  # bytes
    start = tf.cast(number(content, 10, 4, little=True), tf.int32)
    lines = tf.io.decode_raw(part(content, start, line * height), tf.uint8)
    lines = tf.reshape(lines, [height, line])
    lines = tf.cond(from_top, lambda: lines, lambda: lines[::-1])

    def colours():  # blue, green, red, and sometimes a byte that says nothing
        size = bits // 8
        return tf.reshape(lines[:, : width * size], [height, width, size])[:, :, 2::-1]

    def numbered():
        shifts = tf.cast(tf.range(8 - bits, -1, -bits), tf.uint8)  # of the numbers in a byte
        index = tf.bitwise.right_shift(lines[:, :, None], shifts) & tf.cast(2**bits - 1, tf.uint8)
        index = tf.reshape(index, [height, -1])[:, :width]
        colours = tf.where((count > 0) & (count < 256), tf.cast(count, tf.int32), 2**bits)
        palette = tf.io.decode_raw(part(content, 14 + header, 4 * colours), tf.uint8)
        return tf.gather(tf.reshape(palette, [-1, 4])[:, 2::-1], tf.cast(index, tf.int32))

    return tf.cond(bits <= 8, numbered, colours), tf.constant(b"")


def _gif(content):
    """The first picture of a GIF alone, without its place on the canvas and without the block that
    makes a colour transparent: that colour is made white instead. TensorFlow would read all
    pictures, ignore the canvas, and show what is transparent black."""
    first = 13 + _palette_size(content, 10)  # the place of the first block
    place, clear = _first_picture(content, first)
    left, top, columns, rows, width, height = (
        tf.cast(number(content, at, 2, little=True), tf.int32)
        for at in (*(place + at for at in (1, 3, 5, 7)), 6, 8)
    )
    height, width = tf.maximum(height, top + rows), tf.maximum(width, left + columns)
    has_picture = headers.check(part(content, place, 1) == b",", "a GIF without a picture")
    with tf.control_dependencies([has_picture, headers.check_size(height, width)]):
        own = _palette_size(content, place + 9)
        end = headers.after_blocks(content, place + 11 + own)
        picture = b"," + 4 * b"\0" + part(content, place + 5, end - place - 5)
        still = part(content, 0, first) + picture + b";"
        palette = tf.where(own > 0, first + 10, 13)
        is_there = (clear >= 0) & (3 * clear < tf.where(own > 0, own, first - 13))
        at = palette + 3 * tf.maximum(clear, 0)
        whitened = (
            part(still, 0, at) + b"\xff\xff\xff" + part(still, at + 3, tf.strings.length(still))
        )
        pixels = tf.io.decode_gif(tf.where(is_there, whitened, still))[0]  # [rows, columns, 3]
        # what the picture leaves free is transparent or, if nothing is, of the first colour
        ground = tf.io.decode_raw(part(still, palette, 3), tf.uint8)
        ground = tf.where(clear >= 0, tf.constant(255, tf.uint8), ground)
        around = [[top, height - top - rows], [left, width - left - columns], [0, 0]]
        is_inside = tf.pad(tf.ones([rows, columns, 1], tf.bool), around)
        return tf.where(is_inside, tf.pad(pixels, around), ground), tf.constant(b"")


def _first_picture(content, first):
    """The place of a GIF's first picture, and the number of the colour that is transparent in it,
    -1 if none is."""

    def onward(place, clear):
        is_control = part(content, place + 1, 1) == b"\xf9"
        is_clear = is_control & (number(content, place + 3, 1) & 1 > 0)
        found = tf.cast(number(content, place + 6, 1), tf.int32)
        return headers.after_blocks(content, place + 2), tf.where(is_clear, found, clear)

    return tf.while_loop(
        lambda place, clear: part(content, place, 1) == b"!",
        onward,
        (first, tf.constant(-1)),
        maximum_iterations=headers.CHUNKS,
    )


def _palette_size(content, at):
    """Bytes of the palette that the flags at a place announce."""
    flags = tf.cast(number(content, at, 1), tf.int32)
    return tf.where(flags & 128 > 0, 3 * 2 ** ((flags & 7) + 1), 0)
