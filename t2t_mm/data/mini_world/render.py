"""Pictures of the mini world: 64x64 RGB, anti-aliased by supersampling, with jitter and mild
noise."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import numpy as np

from t2t_mm.data.mini_world.meaning import Exists, Pair, Thing

CANVAS = 64  # pixels
RADIUS = {"small": 7.0, "big": 11.0, "huge": 16.5}  # of one shape, in pixels
_GAP = 2.0  # pixels between bands
_SUPERSAMPLING = 3
_RGB = {
    "red": (215, 35, 40),
    "blue": (40, 80, 225),
    "green": (40, 165, 70),
    "yellow": (245, 220, 40),
    "black": (15, 15, 15),
    "white": (245, 245, 245),
    "brown": (125, 70, 25),
    "purple": (150, 50, 190),
}


class Drawn(NamedTuple):
    """One shape on the canvas: centre and radius in pixels (y downwards), angle in radians."""

    shape: str
    colour: str
    x: float
    y: float
    radius: float
    angle: float


def layout(scene: Exists, rng: Random) -> list[list[Drawn]]:
    """Places the groups of a scene: the main group, then those it is related to, each in a band of
    its own.

    The bands lie as the relation says and don't overlap, so the relation holds for every shape of
    the groups.
    """
    main = scene.what
    if main.place is None:
        return [_group(main, (0.0, CANVAS), (0.0, CANVAS), rng.random() < 0.5, rng)]
    to = main.place.to
    others = [to.first, to.second] if isinstance(to, Pair) else [to]
    mine, theirs = RADIUS[main.size] + _GAP, RADIUS[others[0].size] + _GAP
    upright = main.place.relation in ("left", "right")  # the bands stand side by side
    first = main.place.relation in ("above", "left")  # the main band is the upper or left one
    border = CANVAS * (mine if first else theirs) / (mine + theirs)
    near, far = (0.0, border), (border, float(CANVAS))
    groups = [_group(main, (0.0, CANVAS), near if first else far, upright, rng)]
    part = CANVAS / len(others)
    for i, other in enumerate(others):
        groups.append(
            _group(other, (i * part, (i + 1) * part), far if first else near, upright, rng)
        )
    return groups


def _group(thing: Thing, along, across, upright: bool, rng: Random) -> list[Drawn]:
    """A row of shapes (a column if `upright`) with jitter, inside the box `along` x `across`."""
    radius = RADIUS[thing.size] * rng.uniform(0.95, 1.05)
    slot = (along[1] - along[0]) / thing.count
    middle = (across[0] + across[1]) / 2 + _jitter((across[1] - across[0]) / 2 - radius - 1, rng)
    shapes = []
    for i in range(thing.count):
        u = along[0] + (i + 0.5) * slot + _jitter(slot / 2 - radius - 0.5, rng)
        v = middle + _jitter(
            min(1.0, min(middle - across[0], across[1] - middle) - radius - 0.5), rng
        )
        x, y = (v, u) if upright else (u, v)
        shapes.append(Drawn(thing.shape, thing.colour, x, y, radius, rng.uniform(-0.12, 0.12)))
    return shapes


def _jitter(slack: float, rng: Random) -> float:
    return rng.uniform(-1, 1) * min(max(slack, 0.0), 4.0)


def render(shapes: list[Drawn], rng: np.random.Generator) -> np.ndarray:
    """uint8 [64, 64, 3]: the shapes on a grey ground that is lit unevenly."""
    slope = rng.uniform(-0.15, 0.15, size=(2, 1))
    line = np.arange(CANVAS) - CANVAS / 2
    ground = rng.uniform(135, 155) + slope[0] * line[:, None] + slope[1] * line  # [64, 64]
    image = np.repeat(ground[..., None], 3, axis=2)
    tint = rng.uniform(-10, 10, size=3)
    for shape in shapes:
        rows, columns, cover = _cover(shape)
        image[rows, columns] += cover[..., None] * (
            _RGB[shape.colour] + tint - image[rows, columns]
        )
    # Steps of 4 keep the PNG small, as free noise would not.
    image += 4 * rng.integers(-1, 2, size=(CANVAS, CANVAS, 1), dtype=np.int8)
    return image.clip(0, 255).astype(np.uint8)


def _cover(shape: Drawn) -> tuple[slice, slice, np.ndarray]:
    """The share of each pixel that a shape covers, and the rows and columns of the box around
    it."""
    reach = shape.radius * 1.1 + 1
    spans = [
        slice(max(0, int(c - reach)), min(CANVAS, int(c + reach) + 1)) for c in (shape.y, shape.x)
    ]
    n = _SUPERSAMPLING
    y, x = ((np.arange(s.start * n, s.stop * n, dtype=np.float32) + 0.5) / n for s in spans)
    x, y = (x - shape.x)[None, :] / shape.radius, (y - shape.y)[:, None] / shape.radius
    cos, sin = np.cos(shape.angle), np.sin(shape.angle)
    inside = _INSIDE[shape.shape](cos * x + sin * y, cos * y - sin * x)
    rows, columns = (s.stop - s.start for s in spans)
    return *spans, inside.reshape(rows, n, columns, n).mean(axis=(1, 3))


def _star(u, v):
    """Five points: in each sector of 36 degrees a straight edge from the tip (1) to the notch
    (0.42)."""
    fold = np.abs(np.remainder(np.arctan2(u, -v) + np.pi / 5, 2 * np.pi / 5) - np.pi / 5)
    r = np.hypot(u, v)
    notch_x, notch_y = 0.42 * np.cos(np.pi / 5), 0.42 * np.sin(np.pi / 5)
    return (1 - r * np.cos(fold)) * notch_y > r * np.sin(fold) * (1 - notch_x)


def _heart(u, v):
    x, y = 1.25 * u, 0.15 - 1.25 * v
    return x * x + y * y - 1 < np.cbrt(x * x) * y


# Which points belong to a shape: u to the right, v down, within about 1 of the centre.
_INSIDE = {
    "circle": lambda u, v: u * u + v * v < 0.9,
    "square": lambda u, v: np.maximum(abs(u), abs(v)) < 0.82,
    "triangle": lambda u, v: (v < 0.75) & (abs(u) < (v + 1) / 1.75),
    "star": _star,
    "cross": lambda u, v: (np.minimum(abs(u), abs(v)) < 0.28) & (np.maximum(abs(u), abs(v)) < 0.95),
    "ring": lambda u, v: abs(np.hypot(u, v) - 0.74) < 0.22,
    "heart": _heart,
    "moon": lambda u, v: (u * u + v * v < 0.9) & ((u - 0.5) ** 2 + v * v > 0.6),
    "diamond": lambda u, v: abs(u) / 0.7 + abs(v) < 1,
    "flower": lambda u, v: np.hypot(u, v) < 0.7 + 0.28 * np.cos(6 * np.arctan2(v, u)),
}
