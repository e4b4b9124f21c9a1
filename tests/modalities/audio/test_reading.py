"""Recordings that are cut off, on another scale, of channels that cancel: refused, in Python and in
graph."""

import io
import os
import struct

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from t2t_mm.modalities.audio.reading import LONGEST, read
from t2t_mm.modalities.audio.spec import Audio
from t2t_mm.modalities.audio.wav import samples

RATE = 8000
SPEC = Audio(sample_rate=RATE)
SINE = np.sin(np.arange(5 * RATE) / 9) * 0.3
IN_GRAPH = tf.function(
    samples, input_signature=[tf.TensorSpec([], tf.string), tf.TensorSpec([], tf.int32)]
)


def sound(values=SINE, form="WAV", subtype=None, rate=RATE):
    file = io.BytesIO()
    soundfile.write(file, values, rate, format=form, subtype=subtype)
    return file.getvalue()


def served(content):
    return IN_GRAPH(content, RATE).numpy()


def refused(content, reason):
    """Whether both worlds refuse a WAV file, and Python says why."""
    with pytest.raises(ValueError, match=reason):
        SPEC.read(content)
    with pytest.raises((tf.errors.OpError, UnicodeDecodeError)):
        served(content)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT", "ALAW"])
@pytest.mark.parametrize("form", ["WAV", "WAVEX", "RF64"])
def test_a_wav_that_is_cut_off_is_refused(form, subtype, tmp_path):
    whole = sound(form=form, subtype=subtype)
    assert len(SPEC.read(whole)) == len(served(whole)) == len(SINE)
    for share in (0.2, 0.999):
        cut = whole[: int(len(whole) * share)]
        refused(cut, "cut off: .* bytes of sound are missing")
        (tmp_path / "a.wav").write_bytes(cut)
        with pytest.raises(ValueError, match="cut off"):
            SPEC.read(tmp_path / "a.wav")
        with pytest.raises(ValueError, match="cut off"):
            read(str(tmp_path / "a.wav"), RATE, 0.1, 0.2)


@pytest.mark.parametrize("form", ["FLAC", "OGG", "MP3", "AIFF", "AU", "NIST"])
def test_other_recordings_that_are_cut_off_are_refused(form):
    whole = sound(form=form)
    assert len(SPEC.read(whole)) == len(SINE)
    with pytest.raises((ValueError, soundfile.LibsndfileError)):
        SPEC.read(whole[: len(whole) // 2])


@pytest.mark.parametrize("size", [0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_a_header_that_was_written_before_the_end_was_known(size):
    content = sound(subtype="PCM_16")
    place = content.index(b"data") + 4
    streamed = content[:place] + struct.pack("<I", size) + content[place + 4 :]
    wanted = SPEC.read(content)
    np.testing.assert_array_equal(SPEC.read(streamed), wanted)
    np.testing.assert_array_equal(served(streamed), wanted)
    refused(content[:place] + bytes(4) + content[place + 4 :], "no samples")


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize(
    "value, reason",
    [
        (np.nan, "NaN or infinite"),
        (np.inf, "NaN or infinite"),
        (-np.inf, "NaN or infinite"),
        (12_000.0, "samples up to 12,000, where fractions lie within .-1, 1.: divide them"),
        (-3.0, "samples up to 3, where"),
    ],
)
def test_numbers_that_are_none_or_on_another_scale(subtype, value, reason):
    values = SINE.copy()
    values[77] = value
    refused(sound(values, subtype=subtype), reason)
    refused(sound(np.stack([SINE, values], 1), subtype=subtype), reason)
    for given in (SPEC.read, lambda samples: SPEC.store(samples, None)):
        with pytest.raises(ValueError, match=reason):
            given(values)
        with pytest.raises(ValueError, match=reason):
            given(values.astype(np.float32))


def test_a_little_above_full_scale_is_clipped():
    values = SINE * 4  # up to 1.2
    content = sound(values, subtype="FLOAT")
    for found in (SPEC.read(content), served(content), SPEC.read(values)):
        assert found.max() == 2**15 - 1 and found.min() == -(2**15)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros([5, 2]),
        np.array(["a"]),
        np.full(9, 2**15),
        np.full(9, 200, np.uint8),
        np.array([1 + 1j]),
    ],
)
def test_arrays_that_are_no_sound(samples):
    for read_or_store in (SPEC.read, lambda value: SPEC.store(value, None)):
        with pytest.raises(ValueError, match="of one channel are expected|beyond 16 bits"):
            read_or_store(samples)
        with pytest.raises(ValueError, match="no samples"):
            read_or_store(np.zeros(0))


@pytest.mark.parametrize("gain", [-1.0, -0.9])
def test_channels_that_cancel_each_other_are_refused(gain, tmp_path):
    content = sound(np.stack([SINE, gain * SINE], 1))
    refused(content, "opposite phase, whose mean is silence: take one of them")
    (tmp_path / "a.wav").write_bytes(content)
    taken = [read(tmp_path / "a.wav", RATE, channel=channel) for channel in (0, 1)]
    assert np.abs(taken[0] - SPEC.read(SINE)).max() <= 1
    assert np.abs(taken[1] - SPEC.read(gain * SINE)).max() <= 1
    with pytest.raises(ValueError, match="channel 3 of a recording of 2"):
        read(tmp_path / "a.wav", RATE, channel=2)


def test_other_channels_are_averaged():
    noise = np.random.default_rng(0).normal(size=[RATE, 16]) * 0.05
    one_of_many = np.zeros([RATE, 16])
    one_of_many[:, 3] = SINE[:RATE]
    for values in (noise, one_of_many, np.zeros([RATE, 2])):
        content = sound(values)
        np.testing.assert_array_equal(SPEC.read(content), served(content))


@pytest.mark.parametrize("subtype", ["IMA_ADPCM", "MS_ADPCM", "GSM610", "G721_32"])
def test_codings_that_are_not_read_in_graph_are_not_read_in_python(subtype):
    refused(sound(subtype=subtype), "a WAV file of coding .*: convert it")


def test_more_that_both_worlds_refuse():
    content = sound(subtype="PCM_16")
    place = content.index(b"fmt ") + 8
    twelve_bits = content[: place + 14] + struct.pack("<H", 12) + content[place + 16 :]
    wide = content[: place + 12] + struct.pack("<H", 4) + content[place + 14 :]
    for odd in (twelve_bits, wide):
        refused(odd, "a WAV file of coding 1")
    for name in (b"fmt ", b"data"):
        refused(content.replace(name, b"junk"), "without a format, or without sound")
    file = io.BytesIO()
    soundfile.write(file, SINE, RATE, format="WAV", endian="BIG")
    refused(file.getvalue(), "big-endian")


def test_a_long_file_with_a_chunk_behind_its_sound():
    content = sound(form="RF64", subtype="PCM_16") + b"LIST\x04\0\0\0abcd"
    wanted = SPEC.read(sound(subtype="PCM_16"))
    np.testing.assert_array_equal(SPEC.read(content), wanted)
    np.testing.assert_array_equal(served(content), wanted)


def test_many_channels_of_silence_are_no_bomb():
    content = sound(np.zeros([LONGEST * 96, 1]), "FLAC", rate=96)
    assert len(read(content, 96)) == LONGEST * 96
    header = bytearray(sound(np.zeros([9, 1]), "WAV", "PCM_U8"))
    place = header.index(b"fmt ") + 8
    header[place + 2 : place + 4] = struct.pack("<H", 1024)
    header[place + 4 : place + 8] = struct.pack("<I", 500_000)
    header[place + 12 : place + 14] = struct.pack("<H", 1024)
    size = header.index(b"data") + 4
    header[size : size + 4] = struct.pack("<I", 150 * 2**20)
    huge = bytes(header[: size + 4]) + bytes(150 * 2**20)
    with pytest.raises(ValueError, match="samples, where 134,217,728 are the most"):
        SPEC.read(huge)


def test_formats_that_are_not_named_are_refused():
    with pytest.raises(ValueError, match="VOC is not read, only WAV"):
        SPEC.read(sound(form="VOC"))


@pytest.fixture(params=["pipe", "device", "folder", "sparse"])
def no_file(request, tmp_path):
    path = tmp_path / "a.wav"
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "device":
        path.symlink_to("/dev/zero")
    elif request.param == "folder":
        path.mkdir()
    else:
        with open(path, "wb") as file:
            file.truncate(50 * 2**30)
    return path


def test_what_is_no_file_is_never_opened(no_file):
    with pytest.raises(ValueError, match="not a regular file|bytes long, where 4,294,967,296"):
        SPEC.read(no_file)


def test_an_open_file_without_an_end():
    with open("/dev/zero", "rb") as file, pytest.raises(ValueError, match="longer than"):
        SPEC.read(file)
