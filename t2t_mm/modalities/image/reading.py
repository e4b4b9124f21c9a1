"""Pictures as a person has them: into what `decoding.decode` reads, or its pixels.

Bytes from outside are read by nothing but the decoders named here: Pillow has others that start
programs.
"""

import io
from typing import Any

import numpy as np

from t2t_mm.modalities.image.formats import FORMATS, GIF, JPEG, PNG, check_size

_EXIF = b"Exif\0\0"


def decodable(content: bytes) -> bytes:
    """An encoded picture that `decoding.decode` reads: `content` itself (JPEG, PNG, GIF), or else a
    PNG of its pixels (BMP, WebP, TIFF, PPM).

    Raises:
        ValueError: `content` is empty, truncated, too large, or no picture that is known.
    """
    import tensorflow as tf
    from PIL import Image

    from t2t_mm.modalities.image import decoding

    if not content:
        raise ValueError("empty file")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            check_size(*image.size)
            if content.startswith((JPEG, PNG, GIF)):
                try:
                    decoding.decode(tf.constant(content))
                    return content
                except (tf.errors.OpError, UnicodeDecodeError):  # the latter in telling of it
                    pass  # what Pillow can't read either, it explains better
            return tf.io.encode_png(pixels(image)).numpy()
    except Image.UnidentifiedImageError as error:
        raise ValueError("not a known picture format") from error
    except Exception as error:  # Pillow's decoders raise all kinds
        raise ValueError(str(error) or type(error).__name__) from error


def pixels(image: Any) -> np.ndarray:
    """A PIL image by the rules of `decoding`: uint8 [height, width, 3].

    Raises:
        ValueError: it can't be read, is too large, or has values without a scale.
    """
    import tensorflow as tf

    from t2t_mm.modalities.image import decoding, headers

    if image.format not in (None, "MPO", *FORMATS):
        raise ValueError(f'{image.format} is not read; convert it first, as by .convert("RGB")')
    check_size(*image.size)
    clear = _transparent_colour(image)
    try:
        image.load()  # which turns a TIFF upright
    except Exception as error:  # Pillow's decoders raise all kinds
        raise ValueError(str(error) or type(error).__name__) from error
    block = image.info.get("exif", b"").removeprefix(_EXIF) if image.format != "TIFF" else b""
    image = _of_eight_bits(image, clear)
    if image.has_transparency_data:
        found = decoding.on_white(tf.constant(np.asarray(image.convert("RGBA"))))
    else:
        found = tf.constant(np.asarray(image.convert("RGB")))
    if block:
        found = decoding.upright(found, headers.orientation(tf.constant(block)))
    return found.numpy()


def _transparent_colour(image):
    """The colour of a PIL image that is transparent, which Pillow leaves at the depth of the file;
    None if there is none."""
    found = image.info.get("transparency")
    raw = image.tile[0][3] if image.format == "PNG" and image.tile else ""
    if raw == "RGB;16B" and isinstance(found, tuple):
        return tuple(value >> 8 for value in found)
    return found * {"L;2": 85, "L;4": 17}.get(raw, 1) if isinstance(found, int) else found


def _of_eight_bits(image, clear):
    """A PIL image with its transparent colour; of deep greys, which Pillow would clip, the upper 8
    of 16 bits, or of 12."""
    from PIL import Image

    # these two Pillow widens to 32 bits
    is_deep = image.mode.startswith("I;16") or image.mode == "I" and image.format in ("PNG", "PPM")
    if is_deep:
        tags = getattr(image, "tag_v2", {})  # a TIFF's
        values, bits = np.asarray(image), tags.get(258, (16,))[0]
        if tags.get(262) == 0:  # white is zero, which Pillow minds at 8 bits only
            values = 2**bits - 1 - values
        grey = Image.fromarray((values >> (bits - 8)).astype(np.uint8))
        if isinstance(clear, int):
            grey.putalpha(Image.fromarray(np.uint8(values != clear) * 255))
        return grey
    if image.mode in ("I", "F"):
        kind = "32 bits" if image.mode == "I" else "fractions"
        raise ValueError(f"a grey picture of {kind}, of unknown range: convert it to 16 bits")
    if clear != image.info.get("transparency"):
        image = image.copy()
        image.info["transparency"] = clear
    return image
