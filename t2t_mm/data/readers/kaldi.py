"""A Kaldi data folder: `train/wav.scp`, `train/text`, and `utt2spk` and `segments` where there are
any."""

import functools
import os
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from t2t_mm import files, registry
from t2t_mm.data.items import Broken, LeftOut
from t2t_mm.data.readers.base import Reader
from t2t_mm.errors import UserError
from t2t_mm.modalities.audio.reading import read

_ARCHIVE = re.compile(r"\.ark(:\d+)?$")


@registry.register_reader
class Kaldi(Reader):
    """Kaldi data folders: utterances with their words.

    Examples: {"audio": int16 [samples] of one channel at the problem's sampling rate, "text": words
    as they are, "speaker" and "utterance": their names, "" if the speaker is unknown}. Any sampling
    rate, any number of channels (of which the mean is taken) and whatever soundfile reads (WAV,
    FLAC, OGG, MP3, SPHERE without compression). Paths in `wav.scp` start at the problem's folder
    unless absolute; a command there (a pipe) is never run. An utterance without sound, with an
    unreadable file, or longer than 5 minutes is broken.
    """

    IDENTITY = ("audio",)

    def __init__(
        self,
        problem: Any,
        folder: str | os.PathLike | None = None,
        log: Callable[[str], Any] = print,
    ):
        super().__init__(problem, folder, log)
        sides = (problem.inputs, problem.targets)
        rates = [side.sample_rate for side in sides if hasattr(side, "sample_rate")]
        self.sample_rate = rates[0] if rates else 16000  # of text alone, which any rate serves
        self.name = "_".join([self.name, *(f"{rate}hz" for rate in rates)])

    def settings(self) -> dict[str, Any]:
        return {"sample_rate": self.sample_rate}

    def features(self) -> dict[str, Any]:
        import numpy as np
        import tensorflow_datasets as tfds

        # as bytes: TFDS's own Audio stores numbers of 64 bits, ten times the space and time
        audio = tfds.features.Tensor(shape=(None,), dtype=np.int16, encoding="bytes")
        return {
            "audio": audio,
            **{key: tfds.features.Text() for key in ("text", "speaker", "utterance")},
        }

    def expected(self) -> str:
        return (
            "Kaldi folders (train/wav.scp and train/text, validation/wav.scp and validation/text, "
            "...)"
        )

    def find(self, name: str) -> Any:
        folder = self.folder / name
        if not folder.is_dir():
            return None
        if absent := [file for file in ("wav.scp", "text") if not (folder / file).is_file()]:
            raise UserError(
                f"There is no {folder / absent[0]}. A Kaldi folder holds wav.scp (name and sound "
                "file of each recording) and text (name and words of each utterance)."
            )
        return folder

    def items(self, source: Any) -> Iterator[Any]:
        recordings = self._recordings(source)
        speakers = dict(_table(source / "utt2spk"))
        segments = {name: value.split() for name, value in _table(source / "segments")}
        for where, name, words in _rows(source / "text"):
            where = f"{source.name}/{where}"
            if words is None:
                yield Broken(where, "not UTF-8")
                continue
            if not words:
                yield LeftOut("utterances without words")
                continue
            try:
                recording, start, end = _segment(name, segments)
                path = files.stamped(self.folder / recordings[recording])
            except ValueError as error:
                yield Broken(where, str(error))
                continue
            except KeyError:
                yield Broken(where, f"{recording} is not in wav.scp")
                continue
            rest = {"text": words, "speaker": speakers.get(name, ""), "utterance": name}
            yield where, path, start, end, rest

    def files(self, source: Any) -> Iterator[pathlib.Path]:
        yield from files.under(source)
        for path in self._recordings(source).values():
            yield self.folder / path

    def total(self, source: Any) -> int | None:
        return sum(1 for _ in files.lines(source / "text"))

    def loader(self, source: Any) -> Callable[[Any], Iterable[Any]]:
        return functools.partial(_load, self.sample_rate)

    def _recordings(self, source):
        """{name: path} of wav.scp."""
        found = {}
        for where, name, path in _rows(source / "wav.scp"):
            if path and (path.endswith("|") or path.startswith("|") or _ARCHIVE.search(path)):
                kind = "an archive" if _ARCHIVE.search(path) else "a command"
                raise UserError(
                    f"{source}/{where} has {kind} for {name} ({path[:80]}); these are never run "
                    "or opened. Write each recording to a file of its own, with Kaldi's wav-copy "
                    "or, for commands that you trust, with: while read -r id command; do bash -c "
                    '"${command%|}" > wav/$id.wav; done < wav.scp; and name the files in wav.scp.'
                )
            if path:
                found[name] = path
        return found


def _segment(name, segments):
    """(recording, start and end in seconds, None for its end) of an utterance; ValueError if the
    segments are wrong."""
    if not segments:
        return name, 0.0, None
    if name not in segments:
        raise ValueError(f"{name} is not in segments")
    try:
        recording, start, end = segments[name]
        return recording, float(start), float(end)
    except ValueError:
        said = " ".join(segments[name])
        raise ValueError(
            f"segments has {said!r} for {name}, not a recording, start and end in seconds"
        ) from None


def _rows(path):
    """Yields (file:line, name, rest) for each line that isn't empty; rest is None if it is not
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
    except (OSError, ValueError, TypeError, ArithmeticError, RuntimeError) as error:
        # soundfile's own is a RuntimeError
        yield Broken(where, f"{path}: {getattr(error, 'strerror', None) or error}")
