"""Series as a picture: a curve for each channel, or, of many channels, a heat map."""

import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 160, 80  # pixels
MOST_CURVES = 8
RANGE = 3.0  # standard deviations that are shown, up and down


def drawn(encoded: np.ndarray) -> Image.Image:
    """Normalised values [length, channels] as a PIL image, the first channel at the top."""
    values = encoded.clip(-RANGE, RANGE) / RANGE  # [-1, 1]
    if values.shape[1] > MOST_CURVES:
        shades = ((values.T + 1) * 127.5).astype(np.uint8)  # [channels, length], large is bright
        return Image.fromarray(shades).resize((WIDTH, HEIGHT))
    image = Image.new("L", (WIDTH, HEIGHT), 255)
    pen, half = ImageDraw.Draw(image), HEIGHT / values.shape[1] / 2
    across = np.linspace(0, WIDTH - 1, len(values))
    for channel, curve in enumerate(values.T):
        down = (2 * channel + 1) * half - 0.9 * half * curve
        points = np.stack([across, down], axis=1)
        pen.line([tuple(point) for point in points.repeat(2, axis=0)], 0)  # of one step, a dot
    return image
