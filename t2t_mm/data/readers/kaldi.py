"""A Kaldi data folder: `train/wav.scp`, `train/text`, and `utt2spk`, `segments` and
`reco2file_and_channel` where there are any."""

import functools
import os
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from t2t_mm import files, registry
from t2t_mm.data.items import Broken, LeftOut
from t2t_mm.data.readers.base import Reader
from t2t_mm.errors import UserError, shortened
from t2t_mm.modalities.audio.reading import read
from t2t_mm.modalities.language.visible import is_blank

_ARCHIVE = re.compile(r"\.ark(:\d+)?$")


@registry.register_reader
class Kaldi(Reader):
    """Kaldi data folders: utterances with their words.

    Examples: {"audio": int16 [samples] of one channel at the problem's sampling rate, "text": words
    as they are, "speaker" and "utterance": their names, "" if the speaker is unknown}. Any sampling
    rate; WAV, FLAC, OGG, MP3, AIFF, AU, SPHERE without compression. Of several channels the one is
    taken that `segments` (a fifth field) or `reco2file_and_channel` names, else their mean. Paths
    in `wav.scp` start at the problem's folder unless absolute; a command there (a pipe) is never
    run. An utterance is broken if it has no sound, an unreadable file or one that is cut off, ends
    behind its recording, or is longer than 5 minutes. A name that a file has twice is an error if
    the two lines differ.
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
        speakers = _table(source / "utt2spk")
        segments = {name: value.split() for name, value in _table(source / "segments").items()}
        channels = _channels(source / "reco2file_and_channel")
        for where, name, words in _once(source / "text"):
            where = f"{source.name}/{where}"
            if isinstance(words, LeftOut):
                yield words
                continue
            if words is None:
                yield Broken(where, "not UTF-8")
                continue
            if is_blank(words):
                yield LeftOut("utterances without words")
                continue
            try:
                recording, start, end, channel = _segment(name, segments)
                path = files.stamped(self.folder / recordings[recording])
            except ValueError as error:
                yield Broken(where, str(error))
                continue
            except KeyError:
                yield Broken(where, f"{recording} is not in wav.scp")
                continue
            channel = channels.get(recording) if channel is None else channel
            rest = {"text": words, "speaker": speakers.get(name, ""), "utterance": name}
            yield where, path, (start, end, channel), rest

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
        for where, name, path in _once(source / "wav.scp"):
            if isinstance(path, LeftOut):
                continue
            if path and (path.endswith("|") or path.startswith("|") or _ARCHIVE.search(path)):
                kind = "an archive" if _ARCHIVE.search(path) else "a command"
                raise UserError(
                    f"{source}/{where} has {kind} for {shortened(name)} ({path[:80]}); these "
                    "are never run or opened. Write each recording to a file of its own, with "
                    "Kaldi's wav-copy or, for commands that you trust, with: while read -r id "
                    "command; do bash -c "
                    '"${command%|}" > wav/$id.wav; done < wav.scp; and name the files in wav.scp.'
                )
            if path:
                found[name] = path
        return found


def _segment(name, segments):
    """(recording, start and end in seconds, None for its end, channel from 0, None if none is
    named) of an utterance; ValueError if the segments are wrong."""
    if not segments:
        return name, 0.0, None, None
    if name not in segments:
        raise ValueError(f"{name} is not in segments")
    try:
        recording, start, end, *channel = segments[name]
        number = int(*channel) if channel else -1  # from 0, as Kaldi has it here
        return recording, float(start), float(end), number if number >= 0 else None
    except (ValueError, TypeError):
        said = " ".join(segments[name])
        raise ValueError(
            f"segments has {said!r} for {name}, not a recording, start and end in seconds"
        ) from None


def _channels(path):
    """{recording: its channel, from 0} of reco2file_and_channel."""
    found = {}
    for name, value in _table(path).items():
        try:
            _, side = value.split()
            found[name] = _channel(side)
        except ValueError:
            raise UserError(
                f"{path} has {shortened(value)!r} for {shortened(name)}, not the name of a file "
                "and a channel: A, B, ... or 1, 2, ..."
            ) from None
    return found


def _channel(side):
    """Kaldi's name of a channel, as a number from 0."""
    if len(side) == 1 and "A" <= side <= "Z":
        return ord(side) - ord("A")
    if not side.isdecimal() or len(side) > 3 or int(side) < 1:
        raise ValueError(f"{side[:100]!r} is no channel")
    return int(side) - 1


def _rows(path):
    """Yields (file:line, name, rest) for each line that isn't empty; rest is None if it is not
    UTF-8."""
    for number, line in files.lines(path):
        if line.strip():
            name, *rest = line.split(None, 1)  # at ASCII white space
            text = None if files.fault(line) else (rest[0].strip() if rest else b"").decode()
            yield f"{path.name}:{number}", name.decode("utf-8", "replace"), text


def _once(path):
    """`_rows`, with a LeftOut in place of the rest where a line repeats an earlier one. What names
    nothing, an utterance without words, say, repeats nothing.

    Raises:
        UserError: a name stands twice, with something else.
    """
    seen = {}  # {name: (line, hash of the rest)}
    for where, name, rest in _rows(path):
        if not rest:
            yield where, name, rest
            continue
        before, said = seen.setdefault(name, (where, hash(rest)))
        if before != where and said != hash(rest):
            raise UserError(
                f"{path.parent / where} contradicts {before} about {shortened(name)}: remove "
                "one of the two lines."
            )
        yield where, name, rest if before == where else LeftOut("lines that repeat another")


def _table(path):
    """{name: rest} of a file that may be absent."""
    if not os.path.lexists(path):
        return {}
    if not path.is_file():
        raise UserError(f"{path} is no regular file, and is not read.")
    rows = _once(path)
    return {name: rest or "" for _, name, rest in rows if not isinstance(rest, LeftOut)}


def _load(rate, item):
    """The example of one utterance."""
    where, (path, *_), (start, end, channel), rest = item
    try:
        yield where, {"audio": read(path, rate, start, end, channel=channel), **rest}
    except (OSError, ValueError, TypeError, ArithmeticError, RuntimeError) as error:
        # soundfile's own is a RuntimeError
        yield Broken(where, f"{path}: {getattr(error, 'strerror', None) or error}")
