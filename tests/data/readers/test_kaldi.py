import io
import os
import types

import numpy as np
import pytest
import soundfile

from t2t_mm.errors import UserError
from t2t_mm.modalities.audio.spec import Audio
from t2t_mm.modalities.language.spec import Language

TONE = np.sin(np.arange(16000) * 2 * np.pi * 440 / 16000) * 0.5  # a second of 440 Hz


def sound(samples=TONE, rate=16000, form="WAV", subtype="PCM_16"):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=form, subtype=subtype)
    return file.getvalue()


@pytest.fixture
def kaldi(prepare, write):
    """Prepares {name: file content} with the texts given, each file called by its own name."""

    def run(sounds, text=None, rate=16000, **more):
        for name, content in sounds.items():
            write(f"audio/{name}", content)
        names = [name.partition(".")[0] for name in sounds]
        files = {
            "wav.scp": "".join(
                f"{name} audio/{file}\n" for name, file in zip(names, sounds, strict=True)
            ),
            "text": "".join(f"{name} Words of {name}.\n" for name in names)
            if text is None
            else text,
            **more,
        }
        for name, content in files.items():
            write(f"train/{name}", content)
        return prepare("kaldi", inputs=Audio(sample_rate=rate), targets=Language(vocab="words"))

    return run


def rows(builder):
    return sorted(builder.as_dataset("train").as_numpy_iterator(), key=lambda row: row["utterance"])


def test_sixteen_bits_stay_as_they_are(kaldi):
    samples = np.random.default_rng(0).integers(-(2**15), 2**15, 999).astype(np.int16)
    sounds = {"a.wav": sound(samples), "b.flac": sound(samples, form="FLAC")}
    first, second = rows(kaldi(sounds, utt2spk="a anna\n"))
    for row in first, second:
        assert row["audio"].dtype == np.int16
        np.testing.assert_array_equal(row["audio"], samples)
    assert (first["text"], first["speaker"], second["speaker"]) == (b"Words of a.", b"anna", b"")


@pytest.mark.parametrize(
    "rate, channels, subtype, form",
    [
        (44100, 2, "PCM_16", "WAV"),
        (8000, 1, "PCM_U8", "WAV"),
        (48000, 1, "PCM_24", "FLAC"),
        (16000, 1, "FLOAT", "WAV"),
        (22050, 1, "ULAW", "WAV"),
        (16000, 2, "VORBIS", "OGG"),
    ],
)
def test_any_rate_depth_and_number_of_channels(kaldi, rate, channels, subtype, form):
    tone = np.sin(np.arange(rate) * 2 * np.pi * 440 / rate) * 0.5
    (row,) = rows(kaldi({"a.x": sound(np.stack([tone] * channels, 1), rate, form, subtype)}))
    audio = row["audio"] / 2.0**15
    assert len(audio) == 16000
    correlation = np.corrcoef(audio[1000:-1000], TONE[1000:-1000])[0, 1]
    assert correlation > 0.99 and abs(np.abs(audio).max() - 0.5) < 0.05


def test_silence_is_sound(kaldi):
    (row,) = rows(kaldi({"a.wav": sound(np.zeros(500))}))
    assert row["audio"].shape == (500,) and not row["audio"].any()


@pytest.mark.parametrize(
    "content, reason",
    [
        (sound(np.zeros(0)), "no samples"),
        (b"RIFF", "Error opening"),
        (b"", "Error opening"),
        (sound(np.zeros(8000 * 3600), 8000, "FLAC"), "3,600 s long, where 300 s is the most"),
    ],
)
def test_what_is_no_utterance_is_named(kaldi, content, reason):
    with pytest.raises(
        UserError, match=f"1 of 2 train examples are broken.*train/text:2 .*/b.wav.*({reason})"
    ):
        kaldi({"a.wav": sound(), "b.wav": content})


def test_segments_are_obeyed(kaldi):
    samples = np.arange(32000).astype(np.int16)
    builder = kaldi(
        {"tape.wav": sound(samples)},
        text="one first\ntwo second\nthree third\n",
        segments="one tape 0.0 0.5\ntwo tape 0.5 1.25\nthree tape 1.5 -1\n",
    )
    lengths = {row["utterance"]: (row["audio"][0], len(row["audio"])) for row in rows(builder)}
    assert lengths == {b"one": (0, 8000), b"two": (8000, 12000), b"three": (24000, 8000)}


@pytest.mark.parametrize(
    "segments, reason",
    [
        ("one tape 5 6\n", "no samples from 5.0 s"),
        ("one other 0 1\n", "other is not in wav.scp"),
        ("two tape 0 1\n", "one is not in segments"),
        ("one tape here there\n", "not a recording, start and end"),
        ("one tape 0 inf\n", "infinity"),
        ("one tape 0 nan\n", "NaN"),
        ("one tape 0.5 -2\n", "no samples from"),
        ("one tape -0.5 0.5\n", "no samples from"),
        ("one tape 0.5 0.5\n", "no samples from"),
        ("one tape 0 1000\n", "to end at 1000 s, where the recording ends at 1.00 s"),
        ("one tape 0.9 1.4\n", "to end at 1.4 s, where"),
        ("one tape 0 1 left\n", "not a recording, start and end"),
        ("one tape 0 1 0 0\n", "not a recording, start and end"),
    ],
)
def test_segments_that_are_wrong(kaldi, segments, reason):
    with pytest.raises(UserError, match=f"train/text:1 .*{reason}"):
        kaldi({"tape.wav": sound()}, text="one first\n", segments=segments)


def test_segments_may_end_a_little_behind_their_recording(kaldi):
    (row,) = rows(kaldi({"tape.wav": sound()}, text="one first\n", segments="one tape 0 1.05\n"))
    assert len(row["audio"]) == 16000


STEREO = sound(np.stack([TONE, -0.5 * TONE], 1))


@pytest.mark.parametrize("names", ["AB", "12"])
def test_channels_are_those_that_are_named(kaldi, names):
    scp = "left audio/both.wav\nright audio/both.wav\nalone audio/one.wav\n"
    builder = kaldi(
        {"both.wav": STEREO, "one.wav": sound()},
        text="left l\nright r\nalone a\n",
        **{
            "wav.scp": scp,
            "reco2file_and_channel": f"left both {names[0]}\nright both {names[1]}\n"
            f"alone one {names[1]}\n",  # cut out of a recording of two
        },
    )
    peaks = {row["utterance"]: np.abs(row["audio"]).max() / 2.0**15 for row in rows(builder)}
    assert peaks == pytest.approx({b"left": 0.5, b"right": 0.25, b"alone": 0.5}, abs=0.01)


def test_segments_name_channels_too(kaldi):
    builder = kaldi(
        {"both.wav": STEREO},
        text="a l\nb r\nc m\n",
        segments="a both 0 0.5 0\nb both 0 0.5 1\nc both 0 0.5 -1\n",
    )
    peaks = [np.abs(row["audio"]).max() / 2.0**15 for row in rows(builder)]
    assert peaks == pytest.approx([0.5, 0.25, 0.125], abs=0.01)


@pytest.mark.parametrize("line", ["a both C", "a both 3"])
def test_a_channel_that_is_not_there_is_named(kaldi, line):
    with pytest.raises(UserError, match="train/text:1 .*channel 3 of a recording of 2"):
        kaldi({"a.wav": STEREO}, reco2file_and_channel=f"{line}\n")


@pytest.mark.parametrize("line", ["a both left", "a both 0", "a both", "a both A B", "a"])
def test_a_channel_that_is_none(kaldi, line):
    with pytest.raises(UserError, match="reco2file_and_channel has .* for a, not the name"):
        kaldi({"a.wav": STEREO}, reco2file_and_channel=f"{line}\n")


def test_channels_that_cancel_are_named(kaldi):
    with pytest.raises(UserError, match="train/text:1 .*opposite phase, whose mean is silence"):
        kaldi({"a.wav": sound(np.stack([TONE, -TONE], 1))})


@pytest.mark.parametrize(
    "name, content",
    [
        ("wav.scp", "a audio/a.wav\nb audio/b.wav\na audio/b.wav\n"),
        ("text", "a one\nb two\na three\n"),
        ("segments", "a a 0 1\nb b 0 1\na a 0 0.5\n"),
        ("utt2spk", "a x\nb x\na y\n"),
        ("reco2file_and_channel", "a a A\nb b A\na a B\n"),
    ],
)
def test_a_name_that_stands_for_two_things_is_refused(kaldi, name, content):
    sounds = {"a.wav": sound(), "b.wav": sound(0.5 * TONE)}
    with pytest.raises(UserError, match=f"train/{name}:3 contradicts {name}:1 about a"):
        kaldi(sounds, **{name: content})


@pytest.mark.parametrize("name", ["wav.scp", "segments", "utt2spk", "reco2file_and_channel"])
def test_a_line_that_stands_twice_counts_once(kaldi, name):
    line = {"wav.scp": "a audio/a.wav", "segments": "a a 0 1", "utt2spk": "a x"}.get(name, "a a A")
    (row,) = rows(kaldi({"a.wav": sound()}, **{name: f"{line}\n{line}\n"}))
    assert row["text"] == b"Words of a."


def test_an_utterance_that_stands_twice_is_stored_once(kaldi):
    builder = kaldi({"a.wav": sound()}, text="a one\na one \n")
    assert len(rows(builder)) == 1
    assert builder.said == ["mine_16000hz: train: left out 1 lines that repeat another"]


@pytest.mark.parametrize("kind", ["pipe", "dangling link"])
def test_a_list_that_is_no_file_is_refused(kaldi, tmp_path, kind):
    folder = tmp_path / "raw" / "train"
    folder.mkdir(parents=True)
    if kind == "pipe":
        os.mkfifo(folder / "segments")
    else:
        (folder / "segments").symlink_to(tmp_path / "gone")
    with pytest.raises(UserError, match="segments is no regular file"):
        kaldi({"a.wav": sound()})


@pytest.mark.parametrize(
    "kind, reason",
    [
        ("pipe", "not a regular file"),
        ("device", "not a regular file"),
        ("folder", "not a regular file"),
        ("sparse", "bytes long, where 4,294,967,296 are the most"),
        ("cut off", "cut off: 16,000 of 32,000 bytes of sound are missing"),
        ("cut off FLAC", "lost sync"),
        ("noughts", "samples that are NaN or infinite"),
        ("on another scale", "samples up to 16,384, where fractions lie"),
        ("ADPCM", "coding 17 with 4 bits"),
    ],
)
def test_recordings_that_are_none_are_broken_examples(kaldi, tmp_path, kind, reason):
    folder = tmp_path / "raw" / "audio"
    folder.mkdir(parents=True)
    path = folder / "b.wav"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "sparse":
        with open(path, "wb") as file:
            file.truncate(50 * 2**30)
    else:
        path.write_bytes(
            {
                "cut off": sound()[:-16000],
                "cut off FLAC": sound(form="FLAC")[:-2000],
                "noughts": sound(TONE * np.nan, subtype="FLOAT"),
                "on another scale": sound(TONE * 2**15, subtype="FLOAT"),
                "ADPCM": sound(subtype="IMA_ADPCM"),
            }[kind]
        )
    with pytest.raises(
        UserError, match=f"1 of 2 train examples are broken.*train/text:2 .*/b.wav.*({reason})"
    ):
        kaldi(
            {"a.wav": sound()},
            text="a one\nb two\n",
            **{"wav.scp": "a audio/a.wav\nb audio/b.wav\n"},
        )


@pytest.mark.parametrize("entry", ["sph2pipe -f wav x.wv1 |", "touch {ran} |", "data/raw.ark:1234"])
def test_what_is_no_file_is_refused_and_never_run(kaldi, tmp_path, entry):
    ran = tmp_path / "ran"
    with pytest.raises(UserError, match="wav.scp:1 has an? (command|archive) for a .*wav-copy"):
        kaldi({"a.wav": sound()}, **{"wav.scp": f"a {entry.format(ran=ran)}\n"})
    assert not ran.exists()


def test_lines_that_are_left_out(kaldi):
    sounds = {f"u{i}.wav": sound(TONE[:200]) for i in range(150)}
    text = "".join(f"u{i} word\n" for i in range(150)) + "u1\n" + "gone word\n"
    builder = kaldi(sounds, text=text)
    assert len(rows(builder)) == 150
    assert builder.said == [
        "mine_16000hz: train: left out 1 utterances without words",
        "mine_16000hz: train: left out 1 broken: train/text:152 (gone is not in wav.scp)",
    ]


def test_text_is_kept_as_it_is(kaldi):
    (row,) = rows(kaldi({"a.wav": sound()}, text="a  Zwei  Wörter,\u2028 und mehr. \n"))
    assert row["text"].decode() == "Zwei  Wörter,\u2028 und mehr."


def test_a_folder_without_text(kaldi, write, prepare, tmp_path):
    write("train/wav.scp", "a a.wav\n")
    with pytest.raises(UserError, match="There is no .*train/text. A Kaldi folder holds"):
        prepare("kaldi", inputs=Audio(), targets=Language(vocab="words"))


RAW = os.environ.get("T2T_MM_RAW", "../shared/raw")


@pytest.mark.skipif(
    not os.path.isdir(f"{RAW}/special/wsj_speech"), reason="the real data is not here"
)
def test_real_digits(tmp_path):
    from t2t_mm.data.readers.kaldi import Kaldi
    from t2t_mm.data.writing import builder

    sides = {"inputs": Audio(sample_rate=16000), "targets": Language(vocab="words")}
    problem = types.SimpleNamespace(name="d", folder="wsj_speech", **sides)
    written = builder.prepare(Kaldi(problem, f"{RAW}/special/wsj_speech"), tmp_path)
    assert {split: info.num_examples for split, info in written.info.splits.items()} == {
        "train": 1600,
        "validation": 200,
    }


def test_words_that_are_none_are_left_out_or_broken(kaldi):
    """Bytes of UTF-16, a line beyond the limit; nothing but a character that shows nothing."""
    sounds = {f"u{number:03}.wav": sound(TONE[:800]) for number in range(250)}
    lines = [f"{name.partition('.')[0]} Words.\n".encode() for name in sounds]
    lines[3] = "u003 \u200b\ufeff\n".encode()
    lines[4] = b"u004 " + "Words".encode("utf-16-le") + b"\n"
    lines[5] = b"\xef\xbb\xbfu005 Words.\n"
    lines[6] = b"u006 " + b"x" * 2**21 + b"\n"
    builder = kaldi(sounds, b"".join(lines))
    found = rows(builder)
    assert len(found) == 247 and {row["text"] for row in found} == {b"Words."}
    assert any("left out 1 utterances without words" in line for line in builder.said)
    assert any("left out 2 broken: train/text:5" in line for line in builder.said)
