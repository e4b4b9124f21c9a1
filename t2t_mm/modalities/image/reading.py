"""Encoded pictures as a person has them: into what TensorFlow decodes."""

import io
from typing import Any

_FOR_TENSORFLOW = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8")
FIRST_BYTES = (*_FOR_TENSORFLOW, b"BM")  # of files that are pictures, whatever they are called


def decodable(content: bytes) -> bytes:
    """An encoded image that `tf.io.decode_image` reads: `content` itself (JPEG, PNG, GIF), or else
    what Pillow makes of it as RGB PNG (BMP, WebP, TIFF and others).

    Raises:
        ValueError: `content` is empty, truncated, or no image.
    """
    import tensorflow as tf
    from PIL import Image

    if not content:
        raise ValueError("empty file")
    if content.startswith(_FOR_TENSORFLOW):  # not BMP, whose colour tables it takes for greys
        try:
            tf.io.decode_image(content, channels=3, expand_animations=False)
            return content
        except tf.errors.OpError:  # a truncated JPEG, for one
            pass
    try:
        with Image.open(io.BytesIO(content)) as image:
            png = io.BytesIO()
            image.convert("RGB").save(png, "PNG")
            return png.getvalue()
    except Image.UnidentifiedImageError as error:
        raise ValueError("no image") from error
    except Exception as error:  # Pillow's decoders raise all kinds
        raise ValueError(str(error) or type(error).__name__) from error


def without_transparency(image: Any, channels: int) -> Any:
    """A PIL image on white where it is transparent, as a file is read, in so many channels."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = image.copy()
        white.paste((255, 255, 255, 255), (0, 0, *image.size))
        white.alpha_composite(image)
        image = white
    return image.convert("RGB" if channels == 3 else "L")
