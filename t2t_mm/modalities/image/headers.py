"""What the headers of encoded pictures say, in graph: EXIF orientation, transparency, how large
they are.

Bytes from outside: each loop has an end, and sizes are known before anything is decoded.
"""

import tensorflow as tf

from t2t_mm.modalities.image.formats import MOST_PIXELS, MOST_SIDE

CHUNKS = 1000  # of a file before its pixels: real ones have some dozens
_BLOCKS = 2**18  # of a GIF's picture, 255 bytes each
ORIENTATION, SHORT = 0x0112, 3  # tag and type in a TIFF block


def part(content: tf.Tensor, at: tf.Tensor | int, size: tf.Tensor | int) -> tf.Tensor:
    """So many bytes from a place on, fewer where the content ends before."""
    place = tf.clip_by_value(at, 0, tf.strings.length(content))
    return tf.strings.substr(content, place, size)


def number(content: tf.Tensor, at: tf.Tensor | int, size: int, little: bool = False) -> tf.Tensor:
    """An unsigned number of 1, 2 or 4 bytes, int64; it fails where the content ends before."""
    kind = {1: tf.uint8, 2: tf.uint16, 4: tf.int32}[size]
    found = tf.reshape(tf.io.decode_raw(part(content, at, size), kind, little), [])
    return tf.cast(found, tf.int64) % 2**32 if size == 4 else tf.cast(found, tf.int64)


def check(is_so: tf.Tensor, wrong: str) -> tf.Operation:
    """Fails, and says what is wrong, unless something is so."""
    return tf.debugging.Assert(is_so, [wrong])


def check_size(height: tf.Tensor, width: tf.Tensor) -> tf.Operation:
    """Fails if a picture has no pixels, or more than are ever decoded."""
    sides = tf.stack([tf.cast(height, tf.int64), tf.cast(width, tf.int64)])
    is_fit = tf.reduce_all((sides >= 1) & (sides <= MOST_SIDE))
    return check(is_fit & (tf.reduce_prod(sides) <= MOST_PIXELS), "too many pixels, or none")


def jpeg_exif(content: tf.Tensor) -> tf.Tensor:
    """The TIFF block of a JPEG's EXIF segment; empty if it has none."""
    length = tf.strings.length(content)

    def is_exif(place):
        head = part(content, place, 10)  # marker, length, name
        name = tf.strings.substr(head, tf.minimum(4, tf.strings.length(head)), 6)
        return (tf.strings.substr(head, 0, 2) == b"\xff\xe1") & (name == b"Exif\0\0")

    def goes_on(place):
        marker = part(content, place, 2)
        is_marker = tf.strings.substr(marker, 0, 1) == b"\xff"
        is_scan = marker == b"\xff\xda"  # the pixels begin
        return (place + 10 <= length) & is_marker & ~is_scan & ~is_exif(place)

    def onward(place):
        is_fill = part(content, place, 2) == b"\xff\xff"
        size = tf.cast(number(content, place + 2, 2), tf.int32)
        return [place + tf.where(is_fill, 1, 2 + size)]

    (place,) = tf.while_loop(goes_on, onward, [tf.constant(2)], maximum_iterations=CHUNKS)

    def block():
        return part(content, place + 10, tf.cast(number(content, place + 2, 2), tf.int32) - 8)

    return tf.cond((place + 10 <= length) & is_exif(place), block, lambda: tf.constant(b""))


def png_chunks(content: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """What of a PNG stands before its pixels: (whether it has a transparent colour or palette, the
    TIFF block of its EXIF chunk, empty if there is none)."""
    length = tf.strings.length(content)

    def goes_on(place, is_transparent, exif):
        return (place + 12 <= length) & (part(content, place + 4, 4) != b"IDAT")

    def onward(place, is_transparent, exif):
        size = number(content, place, 4)
        size = tf.cast(tf.minimum(size, tf.cast(length, tf.int64)), tf.int32)
        name = part(content, place + 4, 4)
        exif = tf.where(name == b"eXIf", part(content, place + 8, size), exif)
        return place + 12 + size, is_transparent | (name == b"tRNS"), exif

    start = (tf.constant(8), tf.constant(False), tf.constant(b""))
    place, is_transparent, exif = tf.while_loop(goes_on, onward, start, maximum_iterations=CHUNKS)
    has_pixels = part(content, place + 4, 4) == b"IDAT"
    with tf.control_dependencies([check(has_pixels, "a PNG without pixels")]):
        return tf.identity(is_transparent), exif


def after_blocks(content: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """The place behind a row of a GIF's blocks, each with its length before it, and 0 at the
    end."""

    def size(place):
        return tf.cast(number(content, place, 1), tf.int32)

    (place,) = tf.while_loop(
        lambda place: size(place) > 0,
        lambda place: [place + 1 + size(place)],
        [place],
        maximum_iterations=_BLOCKS,
    )
    with tf.control_dependencies([check(size(place) == 0, "a GIF without an end")]):
        return place + 1


def orientation(block: tf.Tensor) -> tf.Tensor:
    """How a picture stands, by the TIFF block of its EXIF: int32, 1 (upright) to 8; 1 if it does
    not say. Fails for no content."""
    octets = tf.cast(tf.io.decode_raw(block, tf.uint8), tf.int32)
    octets = tf.concat([octets, tf.zeros([8], tf.int32)], 0)
    is_little = tf.reduce_all(octets[:4] == [73, 73, 42, 0])  # "II"
    is_big = tf.reduce_all(octets[:4] == [77, 77, 0, 42])  # "MM"

    weights = tf.where(is_little, [1, 256], [256, 1])

    def short(pair):  # of two bytes each
        return tf.reduce_sum(pair * weights, -1)

    # of the directory's place, the lower 16 bits: a segment is not longer
    place = short(tf.where(is_little, octets[4:6], octets[6:8]))
    place = tf.minimum(place, tf.size(octets) - 2)
    entries = octets[place + 2 : place + 2 + 12 * short(octets[place : place + 2])]
    entries = tf.reshape(entries[: tf.size(entries) // 12 * 12], [-1, 6, 2])
    tag, kind, _, _, value, _ = tf.unstack(short(entries), axis=1)
    said = tf.boolean_mask(value, (tag == ORIENTATION) & (kind == SHORT))
    found = tf.concat([said, [1]], 0)[0]
    return tf.where((is_little | is_big) & (found >= 1) & (found <= 8), found, 1)
