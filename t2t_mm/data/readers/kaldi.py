"""A Kaldi data folder: `train/wav.scp`, `train/text`, and `utt2spk` and `segments` where there are
any."""

import dataclasses
import functools
import re

import numpy as np
import tensorflow_datasets as tfds

from t2t_mm import files
from t2t_mm.data.readers import raw
from t2t_mm.errors import UserError

LONGEST = 300  # seconds of an utterance
_ARCHIVE = re.compile(r"\.ark(:\d+)?$")


@dataclasses.dataclass(eq=False)
class KaldiConfig(raw.RawConfig):
    """Samples a second that all sound is brought to."""

    sample_rate: int = 16000


class Kaldi(raw.RawBuilder, skip_registration=True):
    """Utterances with their words.

    Examples: {"audio": int16 [samples] of one channel at the problem's sampling rate, "text": words
    as they are, "speaker" and "utterance": their names, "" if the speaker is unknown}. Any sampling
    rate, any number of channels (of which the mean is taken) and whatever soundfile reads (WAV,
    FLAC, OGG, MP3, SPHERE without compression). Paths in `wav.scp` start at the problem's folder
    unless absolute; a command there (a pipe) is never run. An utterance without sound, with an
    unreadable file, or longer than 5 minutes is broken."""

    CONFIG = KaldiConfig

    @classmethod
    def settings(cls, problem):
        audio = next(side for side in (problem.inputs, problem.targets) if side.kind == "audio")
        return {"sample_rate": audio.sample_rate}

    def features(self):
        # as bytes: TFDS's own Audio stores numbers of 64 bits, ten times the space and time
        audio = tfds.features.Tensor(shape=(None,), dtype=np.int16, encoding="bytes")
        return {
            "audio": audio,
            **{key: tfds.features.Text() for key in ("text", "speaker", "utterance")},
        }

    def looked_for(self):
        return "train/wav.scp and train/text, as Kaldi has them"

    def find(self, name):
        folder = self.folder / name
        if not folder.is_dir():
            return None
        if absent := [file for file in ("wav.scp", "text") if not (folder / file).is_file()]:
            raise UserError(
                f"There is no {folder / absent[0]}. A Kaldi folder holds wav.scp (name and sound "
                "file "
                "of each recording) and text (name and words of each utterance)."
            )
        return folder

    def items(self, source):
        recordings = self._recordings(source)
        speakers = dict(_table(source / "utt2spk"))
        segments = {name: value.split() for name, value in _table(source / "segments")}
        for where, name, words in _rows(source / "text"):
            where = f"{source.name}/{where}"
            if words is None:
                yield raw.Broken(where, "not UTF-8")
                continue
            if not words:
                yield raw.LeftOut("utterances without words")
                continue
            recording, start, end = name, 0.0, None
            if segments:
                if name not in segments:
                    yield raw.Broken(where, f"{name} is not in segments")
                    continue
                try:
                    recording, start, end = segments[name]
                    start, end = float(start), float(end)
                except ValueError:
                    yield raw.Broken(
                        where,
                        f"segments has {' '.join(segments[name])!r} for {name}, not a "
                        "recording, start and end in seconds",
                    )
                    continue
            if recording not in recordings:
                yield raw.Broken(where, f"{recording} is not in wav.scp")
                continue
            path = files.stamped(self.folder / recordings[recording])
            yield (
                where,
                path,
                start,
                end,
                {"text": words, "speaker": speakers.get(name, ""), "utterance": name},
            )

    def total(self, source):
        return sum(1 for _ in files.lines(source / "text"))

    def loader(self, source):
        return functools.partial(_load, self.builder_config.sample_rate)

    def _recordings(self, source):
        """{name: path} of wav.scp."""
        found = {}
        for where, name, path in _rows(source / "wav.scp"):
            if path and (path.endswith("|") or path.startswith("|") or _ARCHIVE.search(path)):
                kind = "an archive" if _ARCHIVE.search(path) else "a command"
                raise UserError(
                    f"{source}/{where} has {kind} for {name} ({path[:80]}), and such are never "
                    "run or opened. "
                    "Write each recording into a file of its own, as with Kaldi's wav-copy or, "
                    "for commands you "
                    'trust: while read -r id command; do bash -c "${command%|}" > wav/$id.wav; '
                    "done < wav.scp; "
                    "and name the files in wav.scp."
                )
            if path:
                found[name] = path
        return found


def _rows(path):
    """Yields (file:line, name, rest) for each line that isn't empty; rest is None if it is no
    UTF-8."""
    for number, line in files.lines(path):
        if line.strip():
            name, *rest = line.split(None, 1)  # at ASCII white space
            text = files.text(rest[0].strip() if rest else b"")
            yield f"{path.name}:{number}", name.decode("utf-8", "replace"), text


def _table(path):
    """(name, rest) of each line of a file that may be absent."""
    return ((name, rest or "") for _, name, rest in _rows(path)) if path.is_file() else ()


def _load(rate, item):
    """The example of one utterance."""
    where, (path, *_), start, end, rest = item
    try:
        yield where, {"audio": read(path, rate, start, end), **rest}
    except (
        OSError,
        ValueError,
        TypeError,
        ArithmeticError,
        RuntimeError,
    ) as error:  # soundfile's is a RuntimeError
        yield raw.Broken(where, f"{path}: {getattr(error, 'strerror', None) or error}")


def read(path, rate: int, start: float = 0.0, end: float | None = None, resample=None):
    """Sound from a file: int16 [samples] of one channel at `rate` samples a second.

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
                "cut it "
                "up with a segments file"
            )
        file.seek(first)
        if (file.samplerate, file.channels, file.subtype) == (rate, 1, "PCM_16"):
            samples = file.read(last - first, dtype="int16")  # as they are, bit by bit
        else:
            samples = file.read(last - first, dtype="float32", always_2d=True).mean(1)  # [samples]
            if file.samplerate != rate:
                samples = np.asarray((resample or soxr.resample)(samples, file.samplerate, rate))
            samples = np.clip(np.round(samples * 2.0**15), -(2**15), 2**15 - 1).astype(np.int16)
    if not len(samples):
        raise ValueError("no samples")
    return samples
