"""Sound as a picture: spectrograms and waveforms."""

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 160, 80  # pixels


def spectrogram(encoded: np.ndarray) -> Image.Image:
    """A spectrogram [frames, bins, 1] (low tones at the bottom, loud is bright), or a waveform
    [samples, 1], as a PIL image."""
    if encoded.ndim == 2:
        return _waveform(encoded[:, 0])
    # [bins, frames]; mean 0 and variance 1 before
    values = ((encoded[:, ::-1, 0].T + 2.0) / 5.0).clip(0, 1)
    return Image.fromarray((values * 255).astype(np.uint8)).resize((WIDTH, HEIGHT))


def _waveform(samples: np.ndarray) -> Image.Image:
    image = Image.new("L", (WIDTH, HEIGHT), 255)
    pen = ImageDraw.Draw(image)
    peak = max(1e-6, float(np.abs(samples).max()))
    for column, part in enumerate(np.array_split(samples, WIDTH)):
        if len(part):
            low, high = (HEIGHT / 2 - v / peak * HEIGHT / 2 for v in (part.max(), part.min()))
            pen.line([(column, low), (column, high)], 0)
    return image
