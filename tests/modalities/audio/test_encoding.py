"""Sound in graph: shapes, normalisation, and what the mel bands hear."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.modalities.audio.spec import Audio


def tone(frequency, seconds=0.5, rate=16000):
    return (10000 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(
        np.int16
    )


@pytest.mark.parametrize("rate", [8000, 16000, 22050])
def test_one_frame_every_ten_milliseconds(rate):
    spec = Audio(sample_rate=rate, bins=40)
    (frames,) = tf.data.Dataset.from_tensors(tone(300, 0.5, rate)).map(spec.encode)  # in graph
    assert frames.shape[1:] == (40, 1) and abs(frames.shape[0] - 50) <= 1
    assert int(spec.positions(frames)) == -(-frames.shape[0] // spec.time_stride)


@pytest.mark.parametrize("form", ["spectrogram", "waveform"])
def test_each_utterance_is_normalised_whatever_its_loudness(form):
    spec, noise = Audio(form=form), np.random.default_rng(0).normal(size=8000)
    quiet, loud = (
        spec.encode(tf.constant(noise * scale, tf.float32)).numpy() for scale in (0.01, 0.3)
    )
    assert abs(quiet.mean()) < 1e-3 and abs(quiet.std() - 1) < 0.01
    np.testing.assert_allclose(quiet, loud, atol=0.02)


def test_integers_and_floats_of_one_sound_agree():
    samples = np.random.default_rng(1).integers(-20000, 20000, 4000).astype(np.int16)
    spec = Audio()
    np.testing.assert_allclose(
        spec.encode(samples),
        spec.encode(tf.constant(samples / 2.0**15, tf.float32)),
        atol=1e-3,
    )


def test_a_rising_tone_rises_through_the_bands():
    frames = Audio(bins=40).encode(
        tf.constant(np.concatenate([tone(f) for f in (200, 1000, 5000)]))
    )[:, :, 0]
    loudest = [
        int(np.argmax(np.mean(frames[start : start + 40], axis=0))) for start in (5, 55, 105)
    ]
    assert loudest[0] < loudest[1] < loudest[2]


@pytest.mark.parametrize("samples", [1, 100, 160, 161])
def test_very_short_and_silent_sounds_are_finite(samples):
    frames = Audio().encode(tf.zeros([samples], tf.int16))
    assert frames.shape[0] == -(-samples // 160) and np.all(np.isfinite(frames))


def test_waveform():
    assert Audio(form="waveform").encode(tf.constant(tone(300))).shape == (8000, 1)


def test_masking_hides_stretches_in_training_alone():
    spec = Audio(bins=40).configure(HParams(spec_augment=0.4))
    sound = tf.constant(np.random.default_rng(0).integers(-9000, 9000, 32000).astype(np.int16))
    plain = spec.encode(sound).numpy()
    assert (plain == 0).mean() < 0.01
    hidden = [
        (spec.encode(sound, True, tf.constant([0, i])).numpy() == 0)[:, :, 0] for i in range(30)
    ]
    rows, columns = (np.array([h.all(axis).mean() for h in hidden]) for axis in (1, 0))
    assert (
        0.05 < rows.mean() < 0.35
        and 0.05 < columns.mean() < 0.35
        and max(rows) <= 0.4
        and max(columns) <= 0.4
    )
    again = spec.encode(sound, True, tf.constant([0, 3])).numpy()
    np.testing.assert_array_equal(again == 0, hidden[3][:, :, None])
    np.testing.assert_array_equal(again[again != 0], plain[again != 0])
