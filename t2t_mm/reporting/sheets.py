"""Contact sheets: pictures, or spectrograms, in rows, each with what belongs to it below."""

import io
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont, ImageOps

from t2t_mm.problem.base import Problem

CELL = 160  # pixels a side
COLUMNS = 6
LINES = 3  # of text below each
_LINE = 14  # pixels


def sheet(cells: Sequence[tuple[Image.Image, str]]) -> bytes:
    """A PNG of all cells, [(PIL image, text)]."""
    columns = min(COLUMNS, len(cells))
    rows = -(-len(cells) // columns)
    height = CELL + LINES * _LINE + 6
    page = Image.new("RGB", (columns * (CELL + 6) + 6, rows * height + 6), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(12)
    for index, (image, text) in enumerate(cells):
        left, top = 6 + index % columns * (CELL + 6), 6 + index // columns * height
        small = ImageOps.contain(image.convert("RGB"), (CELL, CELL))
        page.paste(small, (left + (CELL - small.width) // 2, top + (CELL - small.height) // 2))
        for number, line in enumerate(wrap(text, lambda line: pen.textlength(line, font))):
            pen.text((left, top + CELL + 2 + number * _LINE), line, "black", font)
    stream = io.BytesIO()
    page.save(stream, "PNG")
    return stream.getvalue()


def wrap(text: str, measure: Callable[[str], float]) -> list[str]:
    """The text in at most LINES lines that are no wider than a cell; what is left is cut off."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if measure(longer) <= CELL or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], lines[LINES - 1] + " ..."]
    return lines


def drawn(problem: Problem, encoded: Any) -> Image.Image | None:
    """An encoded input of a problem, a picture or a sound, as a PIL image of what the net is given;
    None where its modality has no pictures."""
    import tensorflow as tf

    return problem.inputs.picture(tf.nest.map_structure(lambda each: each.numpy(), encoded))
