"""Sound as a picture."""

import numpy as np

from t2t_mm.modalities.audio.drawing import spectrogram


def test_sounds_are_drawn():
    loud = np.zeros([50, 40, 1], np.float32)
    loud[:25, :20] = 3  # low tones in the first half
    drawn = np.asarray(spectrogram(loud).convert("L")).astype(int)
    height, width = drawn.shape
    assert drawn[-5, 5] > 200 > drawn[5, 5] and drawn[-5, -5] < 200
    wave = np.asarray(spectrogram(np.sin(np.arange(9000))[:, None]).convert("L"))
    assert wave.shape == drawn.shape and wave.min() == 0
    assert spectrogram(np.zeros([3, 1])).size == (width, height)
