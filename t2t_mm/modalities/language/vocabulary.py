"""Vocabularies: tokenisation in Python and in TensorFlow graphs, where both give the same ids.

Those that are learnt are of two kinds, distinguished by the file's ending (`Bytes` has no file):

- subwords or characters (`.model`): a sentencepiece model, BPE or of characters, with byte
  fallback. Any Unicode text round-trips exactly.
- symbols (`.symbols`): one symbol a line, most frequent first, for targets such as linearised
  trees, whose symbols stand apart by white space.

Beside each lies its record (`.json`): name, size, units, sha256 and the sources of the text.
Ids: padding 0, end of sequence 1, unknown 2.
"""

import abc
import functools
import hashlib
import os
import pathlib
import re
from collections.abc import Iterable
from typing import Any, TypedDict

from t2t_mm import compat, files, records
from t2t_mm.errors import UserError
from t2t_mm.quiet import quiet

PAD, EOS, UNK = 0, 1, 2
UNKNOWN = "<unk>"  # how an unknown symbol is written
REPLACEMENT = "\ufffd"  # how what is no Unicode is written

# sentencepiece writes a space as U+2581, so U+2581 itself would come back as a space. It is the one
# character that does not round-trip, and is replaced by two that do. Order matters; undone in
# reverse order.
_ESCAPES = (("\x10", "\x10a"), ("\u2581", "\x10b"))


class _Metadata(TypedDict):
    sha256: str  # of the vocabulary file


class Vocabulary(abc.ABC):
    """Ids for text, and text for ids.

    Attributes:
        size: number of ids, the three special ones included.
    """

    size: int

    @abc.abstractmethod
    def encode_py(self, text: str) -> list[int]:
        """The ids of `text`, without an end-of-sequence id."""

    @abc.abstractmethod
    def decode_py(self, ids: Iterable[int]) -> str:
        """The text of `ids` up to the first end-of-sequence id; padding is left out."""

    @abc.abstractmethod
    def piece(self, i: int) -> str:
        """What an id stands for, to look at."""

    def written(self, i: int) -> bytes:
        """What an id adds to a text, in UTF-8 or a part of it; nothing for padding and end."""
        raise NotImplementedError(f"{type(self).__name__} are no text")

    @abc.abstractmethod
    def tokenize(self, text: Any) -> Any:
        """In graph: strings [] or [batch] -> int32 ids [length] or ragged [batch, length], as
        `encode_py`."""

    def detokenize(self, ids: Any) -> Any:
        """In graph: int ids [length] or [batch, length] (dense or ragged) -> strings [] or
        [batch]."""
        import tensorflow as tf

        if isinstance(ids, tf.RaggedTensor):
            ids = ids.to_tensor(PAD)
        ids = tf.cast(ids, tf.int32)
        ended = tf.cumsum(tf.cast(ids == EOS, tf.int32), axis=-1) > 0
        return self._detokenize(tf.ragged.boolean_mask(ids, ~ended & (ids != PAD)))

    def resources(self) -> list:
        """The objects that hold TensorFlow resources."""
        return []

    @abc.abstractmethod
    def _detokenize(self, ids):
        """As `detokenize`, for ids without padding and end of sequence, ragged if they are a
        batch."""

    def _until_end(self, ids) -> list[int]:
        ids = [int(i) for i in ids]
        end = ids.index(EOS) if EOS in ids else len(ids)
        return [i for i in ids[:end] if PAD < i < self.size]


class Learnt(Vocabulary):
    """A vocabulary that was learnt, read from `path`; get one from `load`.

    Attributes:
        path: the vocabulary file.
        name: the file's name without its ending.
        fingerprint: hex sha256 of the file's bytes: equal fingerprints mean equal ids.
    """

    def __init__(self, path: str | os.PathLike, content: bytes):
        self.path = pathlib.Path(path)
        self.name = self.path.stem
        self.fingerprint = hashlib.sha256(content).hexdigest()


class Pieces(Learnt):
    """Subwords or characters: a sentencepiece model with byte fallback and no normalisation."""

    def __init__(self, path: str | os.PathLike, content: bytes):
        import sentencepiece

        super().__init__(path, content)
        self._content = content
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=content)
        self.size = self._processor.get_piece_size()

    def encode_py(self, text: str) -> list[int]:
        for character, escape in _ESCAPES:
            text = text.replace(character, escape)
        # A lone surrogate is no Unicode text; it becomes U+FFFD, as broken UTF-8 does in graph.
        return self._processor.encode(text.encode("utf-8", "surrogatepass"))

    def decode_py(self, ids: Iterable[int]) -> str:
        text = self._processor.decode(self._until_end(ids))
        for character, escape in reversed(_ESCAPES):
            text = text.replace(escape, character)
        return text

    def piece(self, i: int) -> str:
        """The piece of an id, with ▁ where it has a space."""
        return self._processor.id_to_piece(int(i))

    def written(self, i: int) -> bytes:
        if i <= UNK:
            return REPLACEMENT.encode() if i == UNK else b""
        piece, is_byte = self.piece(i), self._processor.is_byte(i)
        raw = bytes([int(piece[1:-1], 16)]) if is_byte else piece.replace("\u2581", " ").encode()
        # The first character of an escape counts as a part of the other, not as one of its own.
        return raw.replace(_ESCAPES[0][0].encode(), b"\x80")

    def tokenize(self, text: Any) -> Any:
        import tensorflow as tf

        for character, escape in _ESCAPES:
            text = tf.strings.regex_replace(text, character, escape)
        return self._tokenizer.tokenize(text)

    def _detokenize(self, ids):
        import tensorflow as tf

        text = self._tokenizer.detokenize(ids)
        for character, escape in reversed(_ESCAPES):
            text = tf.strings.regex_replace(text, escape, character)
        return text

    def resources(self) -> list:
        return [self._tokenizer]

    @functools.cached_property
    def _tokenizer(self):
        import tensorflow as tf
        import tensorflow_text

        # its resource must outlive the graph in which it is first used
        with tf.init_scope(), quiet():
            tokenizer = tensorflow_text.SentencepieceTokenizer(self._content)
            return compat.with_named_resource(tokenizer, self._content, self.fingerprint)


class Symbols(Learnt):
    """A list of symbols; text is split at (ASCII) white space, and other symbols become the unknown
    id."""

    def __init__(self, path: str | os.PathLike, content: bytes):
        super().__init__(path, content)
        self._symbols = ["", "", UNKNOWN, *content.decode("utf-8").split("\n")[:-1]]
        self._ids = {symbol: i for i, symbol in enumerate(self._symbols) if i > UNK}
        self.size = len(self._symbols)

    def encode_py(self, text: str) -> list[int]:
        return [self._ids.get(symbol, UNK) for symbol in split_symbols(text)]

    def decode_py(self, ids: Iterable[int]) -> str:
        return " ".join(self._symbols[i] for i in self._until_end(ids))

    def piece(self, i: int) -> str:
        """The symbol of an id."""
        return "</s>" if i == EOS else self._symbols[i]

    def tokenize(self, text: Any) -> Any:
        import tensorflow as tf

        symbols = tf.strings.split(text)
        if isinstance(symbols, tf.RaggedTensor):
            return symbols.with_flat_values(self._table.lookup(symbols.flat_values))
        return self._table.lookup(symbols)

    def _detokenize(self, ids):
        import tensorflow as tf

        # reduce_join over a ragged last axis joins row by row.
        return tf.strings.reduce_join(
            tf.gather(tf.constant(self._symbols), ids), axis=-1, separator=" "
        )

    def resources(self) -> list:
        return [self._table]

    @functools.cached_property
    def _table(self):
        import tensorflow as tf

        with tf.init_scope():
            entries = tf.lookup.KeyValueTensorInitializer(
                list(self._ids), list(self._ids.values()), key_dtype=tf.string, value_dtype=tf.int32
            )
            return tf.lookup.StaticHashTable(entries, UNK)


def load(path: str | os.PathLike) -> Learnt:
    """The vocabulary at `path` (`.model` or `.symbols`), read once a process while the file stays
    the same.

    Raises:
        UserError: the file is absent, is no vocabulary, or is not the one that its `.json`
        describes.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise UserError(
            f"No vocabulary at {path}. Prepare the data first: run with --generate_data."
        )
    stat = path.stat()
    return _load(path, (stat.st_mtime_ns, stat.st_size))


@functools.lru_cache(maxsize=64)
def _load(path, _version):
    record = metadata_path(path)
    remedy = "Restore the pair, or delete both and run with --generate_data."
    try:
        content = files.content(path, records.LARGEST)
        vocabulary = (Symbols if path.suffix == ".symbols" else Pieces)(path, content)
        if vocabulary.size <= UNK + 1:
            raise ValueError("it has no pieces")
    except (RuntimeError, ValueError, OSError) as error:
        raise UserError(f"{path} cannot be read as a vocabulary ({error}). {remedy}") from error
    if not os.path.lexists(record):
        return vocabulary
    if records.read_json(record, _Metadata, remedy)["sha256"] != vocabulary.fingerprint:
        raise UserError(
            f"{path} is not the vocabulary that {record} describes: one of them was changed or "
            f"copied here. {remedy}"
        )
    return vocabulary


def metadata_path(path: str | os.PathLike) -> pathlib.Path:
    """The record (`.json`) that belongs to the vocabulary file `path`."""
    return pathlib.Path(path).with_suffix(".json")


def split_symbols(text: str) -> list[str]:
    """The symbols of a text: it is split at ASCII white space."""
    return re.findall(
        r"[^ \t\n\v\f\r]+", text
    )  # as tf.strings.split; str.split knows more kinds of space
