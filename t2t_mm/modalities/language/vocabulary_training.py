"""Training of vocabularies: subwords and characters by sentencepiece, symbols by counting."""

import collections
import io
import itertools
import os
import pathlib
import random
import re
from collections.abc import Callable, Iterable
from typing import Any

from t2t_mm import files
from t2t_mm.errors import UserError
from t2t_mm.modalities.language.vocabulary import (
    EOS,
    PAD,
    UNK,
    UNKNOWN,
    Learnt,
    Pieces,
    Symbols,
    metadata_path,
    split_symbols,
)

_MAX_LINES = 1_000_000  # training text beyond this is sampled
_MAX_LINE = (
    1_000  # characters; longer lines are cut for training (sentencepiece would leave them out)
)
_BYTE_PIECES = 256
# Training lines are cut at these: sentencepiece leaves out lines with some, and none is worth a
# piece.
_NOT_TRAINED_ON = re.compile("[\x00-\x1f\x7f\u2585]+")


def train_subwords(
    lines: Iterable[str],
    path: str | os.PathLike,
    size: int,
    sources: Iterable[Any] = (),
    log: Callable[[str], None] = print,
) -> Learnt:
    """Trains a subword vocabulary on `lines` and writes it to `path`, a `.model` file, with its
    record.

    The same lines in the same order give the same file. Of more than a million lines, a sample is
    trained on.

    Args:
        lines: iterable of str; any text, also with line breaks.
        path: the file to write; its folder is made.
        size: pieces wanted, special ids and 256 byte pieces included. Where the text has no more
            pairs to merge, the vocabulary is smaller, which is logged.
        sources: JSON-able descriptions of where the lines come from, for the record; read after the
            lines.
        log: function of one str.

    Raises:
        UserError: the lines hold no text, or `size` leaves no room beside the bytes.
    """
    lines = _checked(lines, path, size)
    try:
        content = _train_sentencepiece(lines, size)
    except RuntimeError as error:
        if "smaller than required_chars" not in str(error):
            raise
        content = _train_sentencepiece(
            _with_common_characters(lines, (size - _BYTE_PIECES - 3) // 2), size
        )
    vocabulary = Pieces(path, content)
    if vocabulary.size < size:
        log(
            f"vocabulary {vocabulary.name}: the text yields only {vocabulary.size} of {size} pieces"
        )
    return _write(vocabulary, content, "subword", sources, size)


def train_characters(
    lines: Iterable[str],
    path: str | os.PathLike,
    size: int,
    sources: Iterable[Any] = (),
    log: Callable[[str], None] = print,
) -> Learnt:
    """Counts the characters of `lines` and writes a vocabulary of them to `path`, a `.model` file,
    with its record.

    It holds the most frequent ones, as many as make up 99.99% of the text. Others are read and
    written as their bytes in UTF-8, so that none is lost; how many they are is logged.

    Args:
        lines: iterable of str; any text, also with line breaks.
        path: the file to write; its folder is made.
        size: pieces at most, special ids and 256 byte pieces included.
        sources: JSON-able descriptions of where the lines come from, for the record; read after the
            lines.
        log: function of one str.

    Raises:
        UserError: the lines hold no text, or `size` leaves no room beside the bytes.
    """
    lines = _checked(lines, path, size)
    content = _train_sentencepiece(lines, size, "char")
    vocabulary = Pieces(path, content)
    found = len(set(itertools.chain.from_iterable(lines)))
    rarest = found - (vocabulary.size - _BYTE_PIECES - UNK - 1)
    if rarest:
        log(f"vocabulary {vocabulary.name}: the {rarest} rarest of {found} characters become bytes")
    return _write(vocabulary, content, "characters", sources, size)


def check_size(name: str, size: int) -> None:
    """Raises a UserError if a vocabulary of subwords or characters of that size has no room beside
    the bytes."""
    if size < _BYTE_PIECES + 5:
        raise UserError(
            f"Vocabulary {name} is to have {size} pieces, but 256 bytes and 3 special ids leave "
            f"no room: ask for at least {_BYTE_PIECES + 5}, better several thousand."
        )


def train_symbols(
    lines: Iterable[str],
    path: str | os.PathLike,
    size: int | None = None,
    sources: Iterable[Any] = (),
    log: Callable[[str], None] = print,
) -> Learnt:
    """Counts the symbols of `lines` and writes them to `path`, a `.symbols` file, with its record.

    Args:
        lines: iterable of str, symbols apart by white space.
        path: the file to write; its folder is made.
        size: ids at most, special ones included; rarer symbols become unknown, which is logged.
        sources: JSON-able descriptions of where the lines come from, for the record; read after the
            lines.
        log: function of one str.

    Raises:
        UserError: the lines hold no symbol, or `size` is too small for any.
    """
    name = pathlib.Path(path).stem
    counts = collections.Counter(symbol for line in lines for symbol in split_symbols(line))
    if not counts:
        raise UserError(f"Vocabulary {name} has no symbols to count: every line is empty.")
    if size is not None and size <= UNK + 1:
        raise UserError(
            f"Vocabulary {name} is to have {size} ids, but 3 are special: ask for more."
        )
    ranked = sorted(counts, key=lambda symbol: (-counts[symbol], symbol))
    kept = ranked if size is None else ranked[: size - UNK - 1]
    if len(kept) < len(ranked):
        rarest = len(ranked) - len(kept)
        log(f"vocabulary {name}: the {rarest} rarest of {len(ranked)} symbols become {UNKNOWN}")
    content = "".join(symbol + "\n" for symbol in kept).encode()
    return _write(Symbols(path, content), content, "symbols", sources)


# {units: what learns a vocabulary of them}
TRAINERS: dict[str, Callable[..., Learnt]] = {
    "subword": train_subwords,
    "characters": train_characters,
    "symbols": train_symbols,
}


def sample(lines: Iterable[Any], limit: int, seed: int = 0) -> list:
    """At most `limit` of `lines`, each as likely as any other; the same each time (reservoir
    sampling)."""
    kept, rng = [], random.Random(seed)
    for n, line in enumerate(lines):
        if n < limit:
            kept.append(line)
        elif (place := rng.randrange(n + 1)) < limit:
            kept[place] = line
    return kept


def _checked(lines, path, size) -> list[str]:
    """The lines to train subwords or characters on."""
    name = pathlib.Path(path).stem
    lines = sample(_training_lines(lines), _MAX_LINES)
    if not lines:
        raise UserError(f"Vocabulary {name} has no text to be trained on: every line is empty.")
    check_size(name, size)
    return lines


def _training_lines(lines):
    for line in lines:
        for part in _NOT_TRAINED_ON.split(line):
            for start in range(0, len(part), _MAX_LINE):
                yield part[start : start + _MAX_LINE].replace("\u2581", " ")


def _train_sentencepiece(lines, size, model_type="bpe"):
    import sentencepiece

    content = io.BytesIO()
    # Characters beyond the coverage, and those never seen, are left to the bytes.
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=content,
        vocab_size=size,
        hard_vocab_limit=False,
        model_type=model_type,
        byte_fallback=True,
        character_coverage=0.9999,
        max_sentence_length=8 * _MAX_LINE,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        pad_id=PAD,
        eos_id=EOS,
        unk_id=UNK,
        bos_id=-1,
        unk_surface="\ufffd",
        num_threads=2,
        minloglevel=3,
    )
    return content.getvalue()


def _with_common_characters(lines, limit):
    """The lines, cut at every character that is not among the `limit` most frequent ones."""
    counts = collections.Counter(itertools.chain.from_iterable(lines))
    common = sorted(counts, key=lambda character: (-counts[character], character))[:limit]
    others = re.compile(f"[^{re.escape(''.join(common))}]+")
    return [part for line in lines for part in others.split(line) if part]


def _write(vocabulary, content, units, sources, wanted=None):
    record = {
        "name": vocabulary.name,
        "size": vocabulary.size,
        **({"wanted": wanted} if wanted else {}),
        "units": units,
        "sha256": vocabulary.fingerprint,
        "sources": list(sources),
    }
    vocabulary.path.parent.mkdir(parents=True, exist_ok=True)
    # The vocabulary last: where it is, all is there.
    files.write_json(metadata_path(vocabulary.path), record)
    files.write_bytes(vocabulary.path, content)
    return vocabulary
