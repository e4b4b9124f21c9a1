"""Numbers as text: "0.31256 -12.5000"."""

import math
from collections.abc import Iterable

import numpy as np

DIGITS = 4  # of a standard deviation that are written


def written(values: Iterable[float], deviations: Iterable[float]) -> str:
    """Numbers with spaces between, each with the decimals that count where its data has such a
    standard deviation: prices in whole units, shares with five decimals."""
    decimals = (max(0, DIGITS - math.floor(math.log10(deviation))) for deviation in deviations)
    return " ".join(f"{value:.{n}f}" for value, n in zip(values, decimals, strict=True))


def numbers_in(line: str) -> np.ndarray:
    """The numbers of a line, float64 [values]; what stands behind a tab doesn't count. ValueError
    if one is none, or is not finite."""
    found = np.array([float(word) for word in line.partition("\t")[0].split()])
    if not found.size or not np.isfinite(found).all():
        raise ValueError("no finite numbers")
    return found
