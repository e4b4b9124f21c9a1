"""Pictures as a person sees them: raw ones, and what the net is given."""

import io
from typing import Any

import numpy as np
from PIL import Image

from t2t_mm.modalities.image.formats import FORMATS


def in_words(value: Any) -> str:
    """What a raw picture is: format, size, mode."""
    if not isinstance(value, bytes):
        return f"picture, {value.shape[1]}×{value.shape[0]}"
    with Image.open(io.BytesIO(value), formats=FORMATS) as opened:
        return (
            f"{opened.format} picture, {opened.width}×{opened.height}, {opened.mode}, "
            f"{len(value):,} bytes"
        )


def as_seen(encoded: np.ndarray) -> Image.Image:
    """What the net is given, float32 [h, w, c] in [-1, 1], as a PIL image."""
    pixels = np.round((encoded + 1.0) * 127.5).clip(0, 255).astype(np.uint8)
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[-1] == 1 else pixels)
