"""Vocabularies: training, and tokenisation in Python and in TensorFlow graphs, where both give the
same ids.

Two kinds, told apart by the file's ending:

- subwords (`.model`): a sentencepiece BPE model with byte fallback. Any Unicode text round-trips
  exactly.
- symbols (`.symbols`): one symbol a line, most frequent first, for targets such as linearised
  trees, whose symbols stand apart by white space.

Beside each lies `<name>.json`: name, size, units, sha256 and the sources of the text.
Ids: padding 0, end of sequence 1, unknown 2.
"""

import abc
import collections
import functools
import hashlib
import io
import itertools
import json
import os
import pathlib
import random
import re

from t2t_mm.errors import UserError
from t2t_mm.quiet import quiet

PAD, EOS, UNK = 0, 1, 2
UNKNOWN = "<unk>"  # how an unknown symbol is written

_MAX_LINES = 1_000_000  # training text beyond this is sampled
_MAX_LINE = (
    1_000  # characters; longer lines are cut for training (sentencepiece would leave them out)
)
_BYTE_PIECES = 256

# sentencepiece writes a space as U+2581, so U+2581 itself would come back as a space. It is the one
# character that does not round-trip, and is replaced by two that do. Order matters; undone in
# reverse order.
_ESCAPES = (("\x10", "\x10a"), ("\u2581", "\x10b"))
# Training lines are cut at these: sentencepiece leaves out lines with some, and none is worth a
# piece.
_NOT_TRAINED_ON = re.compile("[\x00-\x1f\x7f\u2585]+")


class Vocabulary(abc.ABC):
    """A trained vocabulary, read from `path`; get one from `load`.

    Attributes:
        path: the vocabulary file.
        name: the file's name without its ending.
        size: number of ids, the three special ones included.
        fingerprint: hex sha256 of the file's bytes: equal fingerprints mean equal ids.
    """

    def __init__(self, path, content: bytes):
        self.path = pathlib.Path(path)
        self.name = self.path.stem
        self.fingerprint = hashlib.sha256(content).hexdigest()

    @abc.abstractmethod
    def encode_py(self, text: str) -> list[int]:
        """The ids of `text`, without an end-of-sequence id."""

    @abc.abstractmethod
    def decode_py(self, ids) -> str:
        """The text of `ids` up to the first end-of-sequence id; padding is left out."""

    @abc.abstractmethod
    def tokenize(self, text):
        """In graph: strings [] or [batch] -> int32 ids [length] or ragged [batch, length], as
        `encode_py`."""

    def detokenize(self, ids):
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


class Subwords(Vocabulary):
    """A sentencepiece model with byte fallback and no normalisation."""

    def __init__(self, path, content: bytes):
        import sentencepiece

        super().__init__(path, content)
        self._content = content
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=content)
        self.size = self._processor.get_piece_size()

    def encode_py(self, text):
        for character, escape in _ESCAPES:
            text = text.replace(character, escape)
        # A lone surrogate is no Unicode text; it becomes U+FFFD, as broken UTF-8 does in graph.
        return self._processor.encode(text.encode("utf-8", "surrogatepass"))

    def decode_py(self, ids):
        text = self._processor.decode(self._until_end(ids))
        for character, escape in reversed(_ESCAPES):
            text = text.replace(escape, character)
        return text

    def piece(self, i: int) -> str:
        """The piece of an id, with ▁ where it has a space."""
        return self._processor.id_to_piece(int(i))

    def tokenize(self, text):
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

    def resources(self):
        return [self._tokenizer]

    @functools.cached_property
    def _tokenizer(self):
        import tensorflow as tf
        import tensorflow_text

        # its resource must outlive the graph in which it is first used
        with tf.init_scope(), quiet():
            tokenizer = tensorflow_text.SentencepieceTokenizer(self._content)
            tokenizer._model_resource = _shared_resource(
                tokenizer._model_resource, self._content, self.fingerprint
            )
            return tokenizer


def _shared_resource(resource, content, name):
    """As tensorflow-text's own resource of a model, but under a name.

    Its own belongs to the kernel that made it, and `tf.random.set_seed` (which
    `keras.utils.set_random_seed` calls) drops all kernels: every tokeniser of the process would be
    gone.
    """
    from tensorflow_text.python.ops import sentencepiece_tokenizer

    class SharedResource(type(resource)):
        def _create_resource(self):
            return sentencepiece_tokenizer.gen_sentencepiece_tokenizer.sentencepiece_op(
                model=content, shared_name=f"sentencepiece_{name}"
            )

    return SharedResource(content, None)


class Symbols(Vocabulary):
    """A list of symbols; text is split at (ASCII) white space, and other symbols become the unknown
    id."""

    def __init__(self, path, content: bytes):
        super().__init__(path, content)
        self._symbols = ["", "", UNKNOWN, *content.decode("utf-8").split("\n")[:-1]]
        self._ids = {symbol: i for i, symbol in enumerate(self._symbols) if i > UNK}
        self.size = len(self._symbols)

    def encode_py(self, text):
        return [self._ids.get(symbol, UNK) for symbol in _split(text)]

    def decode_py(self, ids):
        return " ".join(self._symbols[i] for i in self._until_end(ids))

    def piece(self, i: int) -> str:
        """The symbol of an id."""
        return self._symbols[i]

    def tokenize(self, text):
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

    def resources(self):
        return [self._table]

    @functools.cached_property
    def _table(self):
        import tensorflow as tf

        with tf.init_scope():
            entries = tf.lookup.KeyValueTensorInitializer(
                list(self._ids), list(self._ids.values()), key_dtype=tf.string, value_dtype=tf.int32
            )
            return tf.lookup.StaticHashTable(entries, UNK)


def load(path) -> Vocabulary:
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
    content = path.read_bytes()
    record = metadata_path(path)
    if (
        record.is_file()
        and json.loads(record.read_text())["sha256"] != hashlib.sha256(content).hexdigest()
    ):
        raise UserError(
            f"{path} is not the vocabulary that {record} describes: one of them was changed or "
            "copied here. Restore the pair, or delete both and run with --generate_data."
        )
    try:
        return (Symbols if path.suffix == ".symbols" else Subwords)(path, content)
    except (RuntimeError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} cannot be read as a vocabulary ({error}). Delete it and run with "
            "--generate_data."
        ) from error


def train_subwords(lines, path, size: int, sources=(), log=print) -> Vocabulary:
    """Trains a subword vocabulary on `lines` and writes it to `path`, a `.model` file, with its
    record.

    The same lines in the same order give the same file. Of more than a million lines, a sample is
    trained on.

    Args:
        lines: iterable of str; any text, also with line breaks.
        path: the file to write; its folder is made.
        size: pieces wanted, special ids and 256 byte pieces included. Where the text has no more
            pairs to merge, the vocabulary is smaller, and `log` is told.
        sources: JSON-able descriptions of where the lines come from, for the record; read after the
            lines.
        log: function of one str.

    Raises:
        UserError: the lines hold no text, or `size` leaves no room beside the bytes.
    """
    name = pathlib.Path(path).stem
    lines = sample(_training_lines(lines), _MAX_LINES)
    if not lines:
        raise UserError(f"Vocabulary {name} has no text to be trained on: every line is empty.")
    if size < _BYTE_PIECES + 5:
        raise UserError(
            f"Vocabulary {name} is to have {size} pieces, but 256 bytes and 3 special ids leave "
            f"no room: ask for at least {_BYTE_PIECES + 5}, better several thousand."
        )
    try:
        content = _train_sentencepiece(lines, size)
    except RuntimeError as error:
        if "smaller than required_chars" not in str(error):
            raise
        content = _train_sentencepiece(
            _with_common_characters(lines, (size - _BYTE_PIECES - 3) // 2), size
        )
    vocabulary = Subwords(path, content)
    if vocabulary.size < size:
        log(f"vocabulary {name}: the text yields only {vocabulary.size} of {size} pieces")
    return _write(vocabulary, content, "subword", sources)


def train_symbols(lines, path, size: int | None = None, sources=(), log=print) -> Vocabulary:
    """Counts the symbols of `lines` and writes them to `path`, a `.symbols` file, with its record.

    Args:
        lines: iterable of str, symbols apart by white space.
        path: the file to write; its folder is made.
        size: ids at most, special ones included; rarer symbols become unknown, and `log` is told.
        sources: JSON-able descriptions of where the lines come from, for the record; read after the
            lines.
        log: function of one str.

    Raises:
        UserError: the lines hold no symbol, or `size` is too small for any.
    """
    name = pathlib.Path(path).stem
    counts = collections.Counter(symbol for line in lines for symbol in _split(line))
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


def sample(lines, limit: int, seed: int = 0) -> list:
    """At most `limit` of `lines`, each as likely as any other; the same each time (reservoir
    sampling)."""
    kept, rng = [], random.Random(seed)
    for n, line in enumerate(lines):
        if n < limit:
            kept.append(line)
        elif (place := rng.randrange(n + 1)) < limit:
            kept[place] = line
    return kept


def metadata_path(path) -> pathlib.Path:
    """The record (`.json`) that belongs to the vocabulary file `path`."""
    return pathlib.Path(path).with_suffix(".json")


def _split(text):
    return re.findall(
        r"[^ \t\n\v\f\r]+", text
    )  # as tf.strings.split; str.split knows more kinds of space


def _training_lines(lines):
    for line in lines:
        for part in _NOT_TRAINED_ON.split(line):
            for start in range(0, len(part), _MAX_LINE):
                yield part[start : start + _MAX_LINE].replace("\u2581", " ")


def _train_sentencepiece(lines, size):
    import sentencepiece

    content = io.BytesIO()
    # Characters beyond the coverage, and those never seen, are left to the bytes.
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=content,
        vocab_size=size,
        hard_vocab_limit=False,
        model_type="bpe",
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


def _write(vocabulary, content, units, sources):
    record = {
        "name": vocabulary.name,
        "size": vocabulary.size,
        "units": units,
        "sha256": vocabulary.fingerprint,
        "sources": list(sources),
    }
    vocabulary.path.parent.mkdir(parents=True, exist_ok=True)
    # The vocabulary last: where it is, all is there.
    _write_atomically(metadata_path(vocabulary.path), f"{json.dumps(record, indent=2)}\n".encode())
    _write_atomically(vocabulary.path, content)
    return vocabulary


def _write_atomically(path, content):
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
