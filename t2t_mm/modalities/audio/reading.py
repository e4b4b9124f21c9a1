"""Sound from files."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np

from t2t_mm import files
from t2t_mm.modalities.audio import headers

LONGEST = 300  # seconds of an utterance
MOST_SAMPLES = 2**27  # of all its channels together
LARGEST_RECORDING = 2**32  # bytes of a file, of which a segment may be read
LOUDEST = 2.0  # a little above 1 is a loud recording; numbers far above are on another scale
OVERSHOOT = 0.5  # seconds, or a tenth of it, that a segment may end behind its recording
CANCELLED = 0.05  # share of the power that the mean of independent channels would have


def read(
    path: Any,
    rate: int,
    start: float = 0.0,
    end: float | None = None,
    resample: Callable | None = None,
    channel: int | None = None,
) -> np.ndarray:
    """Sound from a file: int16 [samples] of one channel at `rate` samples per second.

    Args:
        path: of a file of one of `headers.FORMATS`, or the content of such a file.
        rate: of the result.
        start, end: in seconds; an absent end, or -1, is that of the file.
        resample: function of (float32 [samples], its rate, the wanted rate); soxr's, if not given.
        channel: which one is taken, from 0, of a file that has several; their mean if not given.

    Raises:
        ValueError, OSError, soundfile.LibsndfileError: it holds no sound, too much, less than it
            announces, or cannot be read.
    """
    import soundfile
    import soxr

    if isinstance(path, bytes):
        path = io.BytesIO(path)
        headers.check(path)
    else:
        files.check_regular(path, LARGEST_RECORDING)
        with open(path, "rb") as file:
            headers.check(file)
    with soundfile.SoundFile(path) as file:
        if file.format not in headers.FORMATS:
            raise ValueError(f"{file.format} is not read, only {', '.join(headers.FORMATS)}")
        first, last = _bounds(file, start, end)
        file.seek(first)
        if (file.samplerate, file.channels, file.subtype) == (rate, 1, "PCM_16"):
            samples = file.read(last - first, dtype="int16")  # as they are, bit by bit
            _check_whole(file, len(samples), last - first)
        else:
            channels = file.read(last - first, dtype="float32", always_2d=True)
            _check_whole(file, len(channels), last - first)
            check_scale(channels)
            samples = one_channel(channels, channel)
            if file.samplerate != rate:
                samples = np.asarray((resample or soxr.resample)(samples, file.samplerate, rate))
            samples = to_int16(samples)
    if not len(samples):
        raise ValueError("no samples")
    return samples


def _bounds(file, start, end):
    """First frame and the one after the last."""
    first, last = round(start * file.samplerate), file.frames
    if end is not None and end != -1:
        last = min(file.frames, round(end * file.samplerate))
    if last <= first or first < 0:
        raise ValueError("no samples" if not start else f"no samples from {start} s to {end} s")
    if end is not None and end != -1:
        beyond = end - file.frames / file.samplerate
        if beyond > min(OVERSHOOT, (end - start) / 10):
            there = file.frames / file.samplerate
            raise ValueError(f"to end at {end:g} s, where the recording ends at {there:.2f} s")
    if last - first > LONGEST * file.samplerate:
        raise ValueError(
            f"{(last - first) / file.samplerate:,.0f} s long, where {LONGEST} s is the most: "
            "cut it up with a segments file"
        )
    if (count := (last - first) * file.channels) > MOST_SAMPLES:
        raise ValueError(f"{count:,} samples, where {MOST_SAMPLES:,} are the most")
    return first, last


def _check_whole(file, found, wanted):
    """An MP3 may be some samples shorter than it says."""
    if found < wanted - file.samplerate // 20:
        seconds = (found / file.samplerate, wanted / file.samplerate)
        raise ValueError("cut off: {:.2f} s of {:.2f} s are there".format(*seconds))


def check_scale(samples: np.ndarray) -> None:
    """Raises a ValueError for floats that are no numbers, or far outside of [-1, 1]."""
    peak = np.abs(samples).max(initial=0.0)
    if not np.isfinite(peak):
        raise ValueError("samples that are NaN or infinite")
    if peak > LOUDEST:
        raise ValueError(
            f"samples up to {peak:,.5g}, where fractions lie within [-1, 1]: divide them, by 32768 "
            "if they were 16-bit integers"
        )


def one_channel(samples: np.ndarray, channel: int | None = None) -> np.ndarray:
    """One channel of several, [samples, channels] -> [samples]: a given one, or their mean.

    Raises:
        ValueError: there is no such channel; or none is given, and they cancel each other out.
    """
    count = samples.shape[1]
    if count == 1 or channel is None:
        mean = samples.mean(1)
        if np.square(mean).mean() < CANCELLED / count * np.square(samples).mean():
            raise ValueError("channels of opposite phase, whose mean is silence: take one of them")
        return mean
    if channel >= count:
        raise ValueError(f"channel {channel + 1} of a recording of {count}")
    return samples[:, channel]


def resampled(samples: Any, rate: int, wanted: int) -> np.ndarray:
    """Samples of one sampling rate, [samples], at another."""
    import soxr

    samples = np.asarray(samples)
    return samples if rate == wanted else np.asarray(soxr.resample(samples, rate, wanted))


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Samples in [-1, 1] as integers of 16 bits, clipped."""
    return np.clip(np.round(samples * 2.0**15), -(2**15), 2**15 - 1).astype(np.int16)
