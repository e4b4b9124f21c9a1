"""WAV files in graph are what soundfile and the predictor read."""

import io

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from t2t_mm.modalities.audio.spec import Audio
from t2t_mm.modalities.audio.wav import samples

RANDOM = np.random.default_rng(0)
SOUND = (
    np.sin(np.arange(3001) / 9)[:, None] * [0.3, 0.2, -0.1] + RANDOM.normal(size=(3001, 3)) * 0.05
)
READ = tf.function(samples)


def file(subtype, channels=1, rate=8000, form="WAV"):
    stream = io.BytesIO()
    soundfile.write(stream, SOUND[:, :channels], rate, format=form, subtype=subtype)
    return stream.getvalue()


@pytest.mark.parametrize("form", ["WAV", "WAVEX"])
@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW"]
)
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("rate", [8000, 11025, 44100])
def test_bit_by_bit(form, subtype, channels, rate):
    content = file(subtype, channels, rate, form)
    wanted = Audio(sample_rate=8000).read(content)
    np.testing.assert_array_equal(READ(tf.constant(content), tf.constant(8000)), wanted)


@pytest.mark.parametrize("subtype", ["ALAW", "ULAW"])
def test_each_byte_of_telephony(subtype):
    content = file(subtype)
    place = content.index(b"data")
    every = content[: place + 4] + (256).to_bytes(4, "little") + bytes(range(256))
    read = READ(tf.constant(every), tf.constant(8000))
    np.testing.assert_array_equal(read, Audio(sample_rate=8000).read(every))
    assert len(np.unique(read)) >= 255  # mu-law has two zeros


def test_a_streamed_header_and_other_chunks():
    content = file("PCM_16")
    place = content.index(b"data")
    wanted = READ(tf.constant(content), tf.constant(8000))
    streamed = content[: place + 4] + b"\xff" * 4 + content[place + 8 :]
    listed = content[:place] + b"LIST\x03\0\0\0abc\0" + content[place:]
    for other in (streamed, listed):
        np.testing.assert_array_equal(READ(tf.constant(other), tf.constant(8000)), wanted)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        file("PCM_16")[:20],
        b"RIFF\0\0\0\0WAVE",
        file("PCM_16")[:44],
        file("IMA_ADPCM"),
        file("PCM_16")[:24]
        + b"\1\0\0\0"
        + file("PCM_16")[28:],  # a sample a second: almost an hour
        b"RIFF\0\0\0\0WAVEdata\4\0\0\0abcd",
    ],
)
def test_what_is_no_sound_is_refused(content):
    with pytest.raises(
        (tf.errors.OpError, UnicodeDecodeError)
    ):  # the latter in telling of bytes that are no text
        READ(tf.constant(content), tf.constant(8000))
