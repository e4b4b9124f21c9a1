"""A small formant synthesiser: English words to int16 samples at 8 kHz.

Each phoneme is one or more steady targets: formant frequencies, how strongly the voice and the
noise sound, and the noise's band. Targets become tracks, one value every 5 ms, smoothed so that
neighbours glide into each other. Pulses and noise are then shaped frame by frame in the frequency
domain and added up again with overlap.
"""

from typing import NamedTuple

import numpy as np

from t2t_mm.data.mini_world.lexicon import pronounce

SAMPLE_RATE = 8000
_HOP = 40  # samples a frame: 5 ms
_WINDOW = 160
_FFT = 256
_HZ = np.fft.rfftfreq(_FFT, 1 / SAMPLE_RATE).astype(np.float32)  # [129]
_BANDWIDTHS = (70.0, 100.0, 150.0, 250.0)  # of the four formants, Hz
_F4 = 3500.0
_BEAT = 420.0  # milliseconds from word to word, at rate 1


class Target(NamedTuple):
    """A stretch of sound: milliseconds; formants (Hz); strength of voice and noise; the noise's
    band (Hz)."""

    ms: float
    f1: float
    f2: float
    f3: float
    voice: float = 1.0
    noise: float = 0.0
    centre: float = 2000.0
    width: float = 1000.0


def _vowel(f1, f2, f3, ms=110):
    return [Target(ms, f1, f2, f3)]


def _glide(start, end, ms=(80, 80)):
    """A diphthong: from one vowel to another."""
    return [target._replace(ms=ms[i]) for i, target in enumerate((*_VOWELS[start], *_VOWELS[end]))]


def _fricative(noise, centre, width, voice=0.0, ms=100):
    return [Target(ms, 350, 1600, 2600, voice, noise, centre, width)]


def _stop(f2, f3, noise, centre, width, voiced):
    """Closure (with a voice bar if voiced), then a burst."""
    closure = Target(50, 250, f2, f3, voice=0.12 if voiced else 0.0)
    return [
        closure,
        Target(12 if voiced else 25, 350, f2, f3, 0.2 if voiced else 0.0, noise, centre, width),
    ]


_VOWELS = {
    "IY": _vowel(280, 2250, 2900, 120),
    "IH": _vowel(400, 1950, 2550, 80),
    "EH": _vowel(560, 1800, 2500),
    "AE": _vowel(690, 1650, 2450, 130),
    "AH": _vowel(620, 1200, 2500, 75),
    "AA": _vowel(730, 1090, 2450, 130),
    "AO": _vowel(570, 840, 2450, 130),
    "UW": _vowel(310, 900, 2250, 130),
    "ER": _vowel(480, 1350, 1690, 120),
}
PHONEMES = {
    **_VOWELS,
    "AY": _glide("AA", "IH", (100, 80)),
    "AW": _glide("AA", "UW", (100, 80)),
    "OW": _glide("AO", "UW"),
    "EY": _glide("EH", "IY"),
    "W": [Target(60, 300, 650, 2200, 0.5)],
    "Y": [Target(60, 270, 2250, 3000, 0.5)],
    "R": [Target(70, 330, 1100, 1500, 0.5)],
    "L": [Target(65, 360, 1050, 2800, 0.5)],
    "M": [Target(75, 250, 1000, 2200, 0.3)],
    "N": [Target(75, 250, 1500, 2500, 0.3)],
    "NG": [Target(85, 250, 2000, 2600, 0.3)],
    "S": _fricative(0.6, 3700, 500),
    "SH": _fricative(0.7, 2500, 600),
    "F": _fricative(0.2, 1500, 1800),
    "TH": _fricative(0.2, 3200, 1200),
    "HH": [Target(60, 550, 1500, 2500, 0.05, 0.3, 1200, 1000)],
    "V": _fricative(0.12, 1500, 1800, 0.25, 70),
    "DH": _fricative(0.12, 3200, 1200, 0.3, 55),
    "Z": _fricative(0.4, 3700, 500, 0.25, 85),
    "P": _stop(900, 2300, 0.5, 700, 600, False),
    "T": _stop(1700, 2600, 0.8, 3400, 700, False),
    "K": _stop(1900, 2300, 0.7, 1800, 500, False),
    "B": _stop(900, 2300, 0.3, 700, 600, True),
    "D": _stop(1700, 2600, 0.5, 3400, 700, True),
    "G": _stop(1900, 2300, 0.5, 1800, 500, True),
}
PHONEMES["CH"] = [PHONEMES["T"][0], PHONEMES["SH"][0]._replace(ms=80)]
PHONEMES["JH"] = [PHONEMES["D"][0], PHONEMES["SH"][0]._replace(ms=65, voice=0.2)]


def _pause(ms):
    return Target(ms, 500, 1500, 2500, voice=0.0)


def speak(words: list[str], rng: np.random.Generator) -> np.ndarray:
    """An utterance by a speaker drawn from `rng`: pitch, size of the vocal tract, rate, loudness;
    mild noise.

    Args:
      words: English words of the mini world; anything else, such as punctuation, is silent.
    Returns:
      int16 [samples] at 8 kHz.
    """
    height = rng.uniform()  # from a tall speaker to a short one
    pitch = (100 + 110 * height) * rng.uniform(0.93, 1.07)
    tract = 0.97 + 0.08 * height
    tracks = _tracks(words, rng.uniform(0.76, 0.86))  # [frames, 7]
    tracks[:, :3] *= tract
    samples = _shape(tracks, pitch, tract, rng)
    samples *= rng.uniform(0.3, 0.7) / np.abs(samples).max()
    samples += 0.002 * rng.standard_normal(len(samples), dtype=np.float32)
    return (samples * 32767).clip(-32768, 32767).astype(np.int16)


def _tracks(words: list[str], rate: float) -> np.ndarray:
    """Float32 [frames, 7]: the targets of the words' phonemes held for their time, then smoothed.

    Each word begins on a beat, as in slow dictation: its time says which word of the sentence it
    is. A small model learns that in a few steps; with words that run together it takes long.
    """
    targets = []
    for word in filter(str.isalpha, words):
        targets.append(_pause(-sum(target.ms for target in targets) % _BEAT))
        targets += [target for phoneme in pronounce(word) for target in PHONEMES[phoneme]]
    targets = [_pause(50), *targets, _pause(50)]
    table = np.array(targets, dtype=np.float32)  # [targets, 8]
    ends = np.round(np.cumsum(table[:, 0]) * rate / 5).astype(int)
    held = np.repeat(table[:, 1:], np.diff(ends, prepend=0), axis=0)  # [frames, 7]
    smooth, quick = (
        np.hanning(13)[1:-1],
        np.hanning(5)[1:-1],
    )  # formants glide for 50 ms, strengths for 15
    for column, kernel in enumerate([smooth] * 3 + [quick] * 2):
        padded = np.pad(held[:, column], len(kernel) // 2, mode="edge")
        held[:, column] = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    return held


def _shape(tracks: np.ndarray, pitch: float, tract: float, rng: np.random.Generator) -> np.ndarray:
    """Float32 [samples]: voice pulses and noise, each frame with the spectrum that its targets ask
    for."""
    frames = len(tracks)
    total = (frames - 1) * _HOP + _WINDOW
    fall = np.linspace(1.12, 0.85, total) + 0.02 * np.sin(
        np.arange(total) * (2 * np.pi * 4 / SAMPLE_RATE)
    )
    phase = np.cumsum(pitch * fall / SAMPLE_RATE)
    pulses = np.zeros(total + 1, dtype=np.float32)
    beats = np.flatnonzero(np.diff(np.floor(phase), prepend=0) > 0)
    late = (phase[beats] % 1) / (
        pitch * fall[beats] / SAMPLE_RATE
    )  # where between two samples, 0 to 1
    pulses[beats] += 1 - late
    pulses[np.maximum(beats - 1, 0)] += late
    noise = 0.1 * rng.standard_normal(total, dtype=np.float32)

    window = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)

    def spectra(source, sounding):  # [n, 129], of the frames that sound
        return np.fft.rfft(_frames(source, frames)[sounding] * window, _FFT)

    # Half of the time of slow dictation is silence.
    voiced, noisy = tracks[:, 3] != 0, tracks[:, 4] != 0
    voice = spectra(pulses, voiced) * _gain(tracks[voiced], tract)
    mixed = np.zeros((frames, len(_HZ)), dtype=voice.dtype)
    mixed[voiced] = voice
    strength, centre, width = tracks[noisy, 4:7].T[:, :, None]  # [n, 1] each
    band = strength * 10 * np.exp(-0.5 * ((_HZ - centre) / width) ** 2)
    mixed[noisy] += spectra(noise, noisy) * band
    parts = np.zeros((frames, _FFT), dtype=np.float32)
    sounding = voiced | noisy
    parts[sounding] = np.fft.irfft(mixed[sounding], _FFT)
    return _overlap_add(parts)


def _gain(tracks: np.ndarray, tract: float) -> np.ndarray:
    """Float32 [frames, 129]: what the formants let through of a voice."""
    f4 = np.full(len(tracks), _F4 * tract, dtype=np.float32)
    power = np.ones((len(tracks), len(_HZ)), dtype=np.float32)  # inverted
    for formant, bandwidth in zip((*tracks[:, :3].T, f4), _BANDWIDTHS, strict=True):
        ratio = _HZ / formant[:, None]
        square = ratio * ratio
        power *= (1 - square) ** 2 + square * (bandwidth / formant[:, None]) ** 2
    return tracks[:, 3:4] / np.sqrt(power)


def _frames(samples: np.ndarray, frames: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP][:frames]


def _overlap_add(parts: np.ndarray) -> np.ndarray:
    """Adds frames [frames, 256], each 40 samples after the one before."""
    chunks = -(-_FFT // _HOP)
    padded = np.pad(parts, ((0, 0), (0, chunks * _HOP - _FFT))).reshape(len(parts), chunks, _HOP)
    out = np.zeros((len(parts) + chunks, _HOP), dtype=np.float32)
    for i in range(chunks):
        out[i : i + len(parts)] += padded[:, i]
    return out.reshape(-1)
