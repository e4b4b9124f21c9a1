"""The synthesiser: length, level, and that what is said can be heard."""

import numpy as np
import pytest

from t2t_mm.data.mini_world import speech
from t2t_mm.data.mini_world.lexicon import PRONUNCIATIONS, pronounce


def spectrum(samples, start=0.0, stop=1.0):
    """Log power of 16 bands, averaged over a stretch of the utterance."""
    samples = samples[int(start * len(samples)) : int(stop * len(samples))].astype(float)
    frames = np.lib.stride_tricks.sliding_window_view(samples, 256)[::64] * np.hanning(256)
    power = (np.abs(np.fft.rfft(frames)[:, :128]) ** 2).mean(0).reshape(16, 8).sum(1)
    return np.log(power + 1)


def test_every_phoneme_of_the_lexicon_is_known():
    for word in PRONUNCIATIONS:
        assert all(phoneme in speech.PHONEMES for phoneme in pronounce(word)), word


@pytest.mark.parametrize("words", ["I see a star .", "There are three small yellow triangles ."])
def test_length_and_level(words):
    for seed in range(10):
        samples = speech.speak(words.split(), np.random.default_rng(seed))
        assert samples.dtype == np.int16 and samples.ndim == 1
        assert 0.6 < len(samples) / speech.SAMPLE_RATE < 3
        assert 0.25 * 32768 < np.abs(samples.astype(int)).max() < 0.8 * 32768


def test_same_speaker_from_the_same_seed():
    first, again, other = (speech.speak(["red"], np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert len(first) != len(other) or (first != other).any()


def test_words_sound_the_same_from_all_speakers_and_unlike_each_other():
    words = ["red", "blue", "green", "yellow", "black", "white", "brown", "purple"]
    profiles = {
        word: [
            np.concatenate([spectrum(utterance, i / 4, (i + 1) / 4) for i in range(4)])
            for utterance in (
                speech.speak([word], np.random.default_rng(seed)) for seed in range(6)
            )
        ]
        for word in words
    }
    known = {word: np.mean(profile[:3], axis=0) for word, profile in profiles.items()}
    heard = [
        min(words, key=lambda guess: np.abs(known[guess] - profile).mean()) == word  # noqa: B023
        for word in words
        for profile in profiles[word][3:]
    ]
    assert np.mean(heard) > 0.85


def test_vowels_have_their_formants():
    for phoneme, low, high in (("IY", 1900, 2700), ("AA", 900, 1400)):
        targets = speech.PHONEMES[phoneme]
        assert low < targets[0].f2 < high
    see = speech.speak(["see"], np.random.default_rng(0))
    power = np.abs(np.fft.rfft(see[-len(see) // 3 :].astype(float))) ** 2  # the vowel
    hz = np.fft.rfftfreq(len(see) // 3 + (len(see) % 3 > 0), 1 / speech.SAMPLE_RATE)[: len(power)]
    second = power[(hz > 1900) & (hz < 2800)].sum()
    between = power[(hz > 900) & (hz < 1700)].sum()
    assert second > 3 * between
