"""Contact sheets: pictures, or spectrograms, in rows, each with what belongs to it below."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

CELL = 160  # pixels a side
COLUMNS = 6
LINES = 3  # of text below each
_LINE = 14  # pixels


def sheet(cells) -> bytes:
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


def wrap(text, measure) -> list:
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


def photograph(value):
    """A raw picture, encoded or pixels, as a PIL image."""
    if isinstance(value, bytes):
        return Image.open(io.BytesIO(value))
    return Image.fromarray(value[:, :, 0] if value.shape[-1] == 1 else value)


def drawn(problem, value):
    """A raw picture or sound, an input of a problem, as a PIL image of what the net is given."""
    import tensorflow as tf

    encoded = problem.encode_inputs(tf.convert_to_tensor(value)).numpy()
    return as_seen(encoded) if problem.inputs.kind == "image" else spectrogram(encoded)


def as_seen(encoded):
    """What the net is given, float32 [h, w, c] in [-1, 1], as a PIL image."""
    return photograph(np.round((encoded + 1.0) * 127.5).clip(0, 255).astype(np.uint8))


def spectrogram(encoded):
    """A spectrogram [frames, bins, 1] (low tones below, loud is bright), or a waveform [samples,
    1], as a PIL image."""
    if encoded.ndim == 2:
        return _waveform(encoded[:, 0])
    values = ((encoded[:, ::-1, 0].T + 2.0) / 5.0).clip(
        0, 1
    )  # [bins, frames]; mean 0 and variance 1 before
    return Image.fromarray((values * 255).astype(np.uint8)).resize((CELL, CELL // 2))


def _waveform(samples):
    height = CELL // 2
    image = Image.new("L", (CELL, height), 255)
    pen = ImageDraw.Draw(image)
    peak = max(1e-6, float(np.abs(samples).max()))
    for column, part in enumerate(np.array_split(samples, CELL)):
        if len(part):
            low, high = (
                height / 2 - value / peak * height / 2 for value in (part.max(), part.min())
            )
            pen.line([(column, low), (column, high)], 0)
    return image
