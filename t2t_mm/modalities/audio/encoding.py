"""Sound in graph: samples -> normalised waveform or log-mel spectrogram."""

import math
from typing import Any

import tensorflow as tf

WINDOW = 0.025  # seconds
HOP = 0.010
LOWEST = 20.0  # Hz, edge of the lowest mel band
FLOOR = 1e-8  # power of digital silence, so that its logarithm is finite


def encode(value: tf.Tensor, spec: Any, training: bool = False, seed: Any = None) -> tf.Tensor:
    """Encodes one utterance.

    Args:
      value: integers (16 bits) or floats in [-1, 1], [samples].
      spec: the Audio.
      training: whether to hide parts of the spectrogram.
      seed: int32 [2], decides which; fresh if absent.
    Returns:
      "waveform": float32 [samples, 1]; "spectrogram": float32 [frames, bins, 1], one frame every 10
      ms, the last ones padded with silence. Mean 0 and variance 1 over the utterance, for each band
      by itself.
    """
    value = tf.convert_to_tensor(value)
    samples = tf.cast(value, tf.float32) / (2.0**15 if value.dtype.is_integer else 1.0)
    signal = (
        samples[:, None]
        if spec.form == "waveform"
        else log_mel(samples, spec.sample_rate, spec.bins)
    )
    mean, variance = tf.nn.moments(signal, axes=[0], keepdims=True)
    signal = (signal - mean) / tf.sqrt(variance + 1e-6)
    if spec.form == "waveform":
        return signal
    if training and spec.masked_share:
        signal = mask_parts(signal, spec.masked_share, seed)
    return signal[:, :, None]


def resampled(samples: Any, rate: Any, wanted_rate: Any) -> tf.Tensor:
    """Sound of another sampling rate: what of its spectrum fits under half of that. In graph, or of
    an array.

    Args:
        samples: float32 [samples].
        rate, wanted_rate: samples per second, now and then.

    Returns:
        float32 [samples].
    """
    length = tf.shape(samples)[0]
    wanted = (
        tf.cast(length, tf.float64) * tf.cast(wanted_rate, tf.float64) / tf.cast(rate, tf.float64)
    )
    wanted = tf.maximum(1, tf.cast(tf.round(wanted), tf.int32))
    spectrum = tf.signal.rfft(samples)  # [length / 2 + 1]
    kept = spectrum[: wanted // 2 + 1]
    kept = tf.pad(kept, [[0, wanted // 2 + 1 - tf.shape(kept)[0]]])
    return tf.signal.irfft(kept, [wanted]) * (
        tf.cast(wanted, tf.float32) / tf.cast(length, tf.float32)
    )


def mask_parts(signal: tf.Tensor, share: float, seed: Any = None) -> tf.Tensor:
    """Hides two stretches of time and two of frequency, each of random width up to half of `share`
    of the axis, behind the mean, 0 (SpecAugment; Park et al. 2019, arXiv 1904.08779). float32
    [frames, bins] -> the same."""
    seed = tf.random.uniform([2], maxval=2**31 - 1, dtype=tf.int32) if seed is None else seed
    for axis in (0, 1):
        size = tf.shape(signal)[axis]
        draws = tf.random.stateless_uniform([2, 2], seed + axis)  # [stretch, (width, place)]
        widths = tf.cast(draws[:, 0] * share / 2 * tf.cast(size + 1, tf.float32), tf.int32)
        starts = tf.cast(draws[:, 1] * tf.cast(size - widths + 1, tf.float32), tf.int32)
        index = tf.range(size)[:, None]  # [size, 1]
        hidden = tf.reduce_any((index >= starts) & (index < starts + widths), 1)  # [size]
        signal = tf.where(hidden[:, None] if axis == 0 else hidden, 0.0, signal)
    return signal


def log_mel(samples: tf.Tensor, sample_rate: int, bins: int) -> tf.Tensor:
    """Logarithm of the power in mel bands: float32 [samples] -> [frames, bins]."""
    window, hop = round(WINDOW * sample_rate), round(HOP * sample_rate)
    # long enough that no mel band falls between two lines of the spectrum
    length = 2 ** math.ceil(math.log2(max(window, 8 * bins)))
    spectrum = tf.signal.stft(
        samples, window, hop, length, pad_end=True
    )  # [frames, length / 2 + 1]
    power = tf.abs(spectrum) ** 2 / window
    bands = tf.signal.linear_to_mel_weight_matrix(
        bins, power.shape[-1], sample_rate, LOWEST, sample_rate / 2
    )
    return tf.math.log(tf.matmul(power, bands) + FLOOR)  # [frames, bins]
