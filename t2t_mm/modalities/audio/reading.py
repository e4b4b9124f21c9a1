"""Sound from files."""

from collections.abc import Callable
from typing import Any

import numpy as np

LONGEST = 300  # seconds of an utterance


def read(
    path: Any,
    rate: int,
    start: float = 0.0,
    end: float | None = None,
    resample: Callable | None = None,
) -> np.ndarray:
    """Sound from a file: int16 [samples] of one channel at `rate` samples per second.

    Args:
        path: a file that soundfile reads, or such a file, open.
        rate: of the result.
        start, end: in seconds; an absent or negative end is that of the file.
        resample: function of (float32 [samples], its rate, the wanted rate); soxr's, if not given.

    Raises:
        ValueError, OSError, soundfile.LibsndfileError: it holds no sound, too much, or cannot be
            read.
    """
    import soundfile
    import soxr

    with soundfile.SoundFile(path) as file:
        first = round(start * file.samplerate)
        last = (
            min(file.frames, round(end * file.samplerate))
            if end is not None and end >= 0
            else file.frames
        )
        if last <= first or first < 0:
            raise ValueError("no samples" if not start else f"no samples from {start} s to {end} s")
        if last - first > LONGEST * file.samplerate:
            raise ValueError(
                f"{(last - first) / file.samplerate:,.0f} s long, where {LONGEST} s is the most: "
                "cut it up with a segments file"
            )
        file.seek(first)
        if (file.samplerate, file.channels, file.subtype) == (rate, 1, "PCM_16"):
            samples = file.read(last - first, dtype="int16")  # as they are, bit by bit
        else:
            samples = file.read(last - first, dtype="float32", always_2d=True).mean(1)  # [samples]
            if file.samplerate != rate:
                samples = np.asarray((resample or soxr.resample)(samples, file.samplerate, rate))
            samples = to_int16(samples)
    if not len(samples):
        raise ValueError("no samples")
    return samples


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Samples in [-1, 1] as integers of 16 bits, clipped."""
    return np.clip(np.round(samples * 2.0**15), -(2**15), 2**15 - 1).astype(np.int16)
