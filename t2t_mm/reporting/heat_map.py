"""Pictures of a run, for TensorBoard."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

LABEL = 140  # pixels for the name of a row


def heat_map(rows: Mapping[str, Any]) -> bytes:
    """A PNG of vectors of one length, each a row scaled to its largest value: white is 0, dark blue
    the largest.

    Args:
        rows: {name: [n] array, not negative}.
    """
    from PIL import Image, ImageDraw

    values = np.stack(
        [np.asarray(row, np.float64) / max(np.max(row), 1e-12) for row in rows.values()]
    )  # [rows, n]
    cell = int(np.clip(960 // values.shape[1], 3, 24))
    white, blue = np.array([255.0, 255.0, 255.0]), np.array([12.0, 44.0, 132.0])
    colours = white + values[..., None] * (blue - white)  # [rows, n, 3]
    colours = np.repeat(np.repeat(colours, 16, axis=0), cell, axis=1).astype(np.uint8)
    picture = Image.new("RGB", (LABEL + colours.shape[1], colours.shape[0]), "white")
    picture.paste(Image.fromarray(colours), (LABEL, 0))
    draw = ImageDraw.Draw(picture)
    for number, name in enumerate(rows):
        draw.text((4, 16 * number + 2), name[:22], fill="black")
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()
