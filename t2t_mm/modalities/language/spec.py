"""Text over a vocabulary."""

import dataclasses
import os
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.modalities.base import NO_SCORE, Modality
from t2t_mm.modalities.language import visible
from t2t_mm.modalities.language.units import UNITS
from t2t_mm.modalities.recorded import fields_of

VOCABULARIES = "vocabs"  # folder of them, in a data or output directory
# Bytes of an input: no piece has so many that a longer text could fit into a model's positions.
LONGEST = 2**19


@registry.register_modality
@dataclasses.dataclass(frozen=True)
class Language(Modality):
    """Text over a vocabulary. Raw: UTF-8 string scalar. Encoded: int32 [length], end of sequence
    last.

    Attributes:
        vocab: name of the vocabulary; problems that give the same name share it, and the net too.
        size: wanted number of pieces, of characters the most; 256 bytes and 3 special ids are among
            them. All symbols are kept; of bytes there are always 259. Once resolved, the actual
            number.
        units: what text is cut into:
            "subword": learnt by sentencepiece over any text.
            "characters": those that make up 99.99% of the training text, as many as `size` has room
                for. Others are read and written as their bytes in UTF-8: none is lost, and none is
                unknown.
            "bytes": those of UTF-8. Nothing is learnt. Output that is not UTF-8 has U+FFFD in it.
            "symbols": a closed set, separated by spaces; others become `<unk>`.
            As a subword is some four characters or bytes, outputs may be four times as long unless
            their length is given; `max_input_length` and `max_target_length` count units.
        path: the vocabulary's file, set by `resolve`; "" for bytes.
    """

    kind: ClassVar[str] = "language"
    as_target: ClassVar[bool] = True
    is_sequence: ClassVar[bool] = True
    has_log_prob: ClassVar[bool] = True
    is_text: ClassVar[bool] = True
    prompt: ClassVar[str] = "a text"
    medium: ClassVar[str] = "text"
    reading_cost: ClassVar[int] = 1
    shuffle_buffer: ClassVar[int] = 2**13
    stored: ClassVar[str] = "OSU"
    rank: ClassVar[int] = 0
    teacher_forced: ClassVar[tuple[str, ...]] = (
        "log_perplexity",
        "accuracy",
        "accuracy_per_sequence",
    )
    vocab: str = ""
    size: int = 8192
    units: str = "subword"
    path: str = dataclasses.field(default="", compare=False)

    def __post_init__(self) -> None:
        if not self.vocab:
            raise UserError(
                'Language needs the name of a vocabulary, as in Language(vocab="english_8k").'
            )
        if self.units not in UNITS:
            known = ", ".join(f'"{units}"' for units in UNITS)
            raise UserError(f"Language units are one of {known}, not {self.units!r}.")

    def net_name(self) -> str:
        return f"language_{self.vocab}"

    def net(self, hparams: Any) -> Any:
        from t2t_mm.modalities.language.net import LanguageNet

        return LanguageNet(self, hparams)

    def vocab_path(self, data_dir: str | os.PathLike) -> Path:
        """Where this vocabulary, if it is learnt, is or will be under `data_dir`."""
        name = self.vocab + UNITS[self.units].suffix
        return Path(data_dir).expanduser() / VOCABULARIES / name

    def vocabulary(self) -> Any:
        """The loaded vocabulary (vocabulary.Vocabulary; loaded once a process) of a resolved
        spec."""
        from t2t_mm.modalities.language import byte_vocabulary, vocabulary

        if not self._is_learnt:
            return byte_vocabulary.Bytes()
        if not self.path:
            raise UserError(
                f"Vocabulary {self.vocab!r} is not resolved; problem.resolve does that."
            )
        return vocabulary.load(self.path)

    @property
    def _is_learnt(self) -> bool:
        return bool(UNITS[self.units].suffix)

    def resolve(self, data_dir: str | os.PathLike, stored: Any = None) -> "Language":
        if not self._is_learnt:
            return dataclasses.replace(self, size=self.vocabulary().size)
        path = self.vocab_path(data_dir)
        if not path.exists():
            raise UserError(
                f"There is no vocabulary {self.vocab!r} at {path}. Run with --generate_data, "
                f"which trains it on the text of the problems that name it."
            )
        found = dataclasses.replace(self, path=str(path))
        return dataclasses.replace(found, size=found.vocabulary().size)

    def encode(self, value: Any, training: bool = False, seed: Any = None) -> Any:
        import tensorflow as tf

        from t2t_mm.modalities.language.vocabulary import EOS

        ids = self.vocabulary().tokenize(value)  # [length]
        return tf.concat([tf.cast(ids, tf.int32), [EOS]], axis=0)

    def expected(self) -> "Language":
        return self if self._is_learnt else dataclasses.replace(self, size=self.vocabulary().size)

    def encoded(self) -> Any:
        import tensorflow as tf

        return tf.TensorSpec([None], tf.int32)

    def tfds_feature(self, values: Any) -> Any:
        import tensorflow_datasets as tfds

        return tfds.features.Text()

    def store(self, value: Any, feature: Any) -> bytes:
        if not isinstance(value, str | bytes):
            shown = repr(value)[:80]
            raise TypeError(
                f"text expected, not {type(value).__name__}: {shown}; a str, or bytes in UTF-8"
            )
        text = value if isinstance(value, str) else value.decode("utf-8")
        return text.lstrip(visible.BYTE_ORDER_MARK).encode("utf-8")

    def is_blank(self, value: Any) -> bool:
        return visible.is_blank(value.decode() if isinstance(value, bytes) else value)

    def vocabulary_of(self) -> "Language | None":
        return self if self._is_learnt else None

    def positions_per_subword(self) -> int:
        return UNITS[self.units].per_subword

    def read(self, value: Any) -> bytes:
        content = _text(value)
        if visible.is_blank(value):
            raise UserError("the text is empty")
        return content

    def sent(self, value: bytes) -> bytes:
        return value

    def read_in_graph(self, content: Any) -> Any:
        import tensorflow as tf

        fits = tf.debugging.Assert(tf.strings.length(content) <= LONGEST, ["the text is too long"])
        with tf.control_dependencies([fits]):
            content = tf.strings.regex_replace(content, visible.MARKS, "")
        is_blank = tf.strings.regex_full_match(content, visible.BLANK)
        with tf.control_dependencies([tf.debugging.Assert(~is_blank, ["the text is empty"])]):
            # What it returns is used: a check that nothing reads is optimised away.
            return tf.strings.unicode_transcode(content, "UTF-8", "UTF-8", errors="strict")

    def blank(self) -> bytes:
        return b""

    def sample(self) -> bytes:
        return b"This sentence is here so that the first one that matters does not have to wait."

    def without_inputs(self) -> tuple[str, ...]:
        of_text = ("perplexity_per_word", "perplexity_per_character")
        return ("perplexity", *(() if self.units == "symbols" else of_text))

    def amounts(self, ids: Any, mask: Any) -> dict[str, Any]:
        from t2t_mm.modalities.language import amounts

        return amounts.counted(amounts.table(self.vocabulary()), ids, mask)

    def decode(self, ids: Any) -> str:
        """Ids, up to the end of sequence, as text."""
        return self.vocabulary().decode_py(ids)

    def given(self, value: Any) -> list[int]:
        from t2t_mm.modalities.language.vocabulary import EOS

        return [*self.vocabulary().encode_py(_text(value).decode("utf-8")), EOS]

    def given_in_graph(self, texts: Any) -> Any:
        import tensorflow as tf

        from t2t_mm.modalities.language.vocabulary import EOS

        texts = tf.strings.regex_replace(texts, visible.MARKS, "")
        valid = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8") == texts
        is_text = valid & (tf.strings.length(texts) <= LONGEST)
        ids = self.vocabulary().tokenize(tf.where(is_text, texts, ""))
        each = tf.cast(is_text, tf.int64)
        ends = tf.RaggedTensor.from_row_lengths(tf.fill([tf.reduce_sum(each)], EOS), each)
        return tf.concat([tf.cast(ids, tf.int32), ends], axis=1)

    def pieces(self) -> list[str]:
        vocabulary = self.vocabulary()
        return [vocabulary.piece(i) for i in range(vocabulary.size)]

    def row_names(self) -> dict[str, tuple[int, list[str]]]:
        if self._is_learnt and not self.path:
            return {}
        pieces = self.pieces()
        with_blank = ["<blank>", *pieces]  # of CTC
        tables = {table: (0, pieces) for table in ("input_table", "target_table", "softmax_table")}
        return tables | {"alignment_kernel": (1, with_blank), "alignment_bias": (0, with_blank)}

    def texts(self, value: Any) -> list[str]:
        return [text.decode("utf-8") for text in np.atleast_1d(value)]

    def detokenize(self, ids: Any) -> Any:
        return self.vocabulary().detokenize(ids)

    def resources(self) -> list:
        return self.vocabulary().resources()

    def describe(self, value: Any) -> list[str]:
        line = value.decode("utf-8") if isinstance(value, bytes) else str(value)
        vocabulary = self.vocabulary()
        ids = vocabulary.encode_py(line)
        again = vocabulary.decode_py(ids)
        pieces = " ".join(map(vocabulary.piece, ids))
        lines = [line, f"{len(ids)} pieces: {pieces}"]
        return lines if again == line else [*lines, f"read back: {again}"]

    def position_labels(self, encoded: Any, count: int | None = None) -> list[str]:
        return [self.vocabulary().piece(i) for i in np.asarray(encoded)]

    def record(self) -> dict[str, Any]:
        values = super().record()
        if values.pop("path"):  # where the vocabulary is doesn't matter, what it holds does
            values["fingerprint"] = self.vocabulary().fingerprint
        return values

    @classmethod
    def from_record(cls, values: dict[str, Any], folder: str | os.PathLike) -> "Language":
        spec = cls(**fields_of(cls, values))
        if not spec._is_learnt:
            return spec.resolve(folder)
        path = spec.vocab_path(folder)
        if not path.is_file():
            raise UserError(
                f"The vocabulary {path} is missing: a run keeps a copy there. "
                "Copy it from its data_dir."
            )
        spec = dataclasses.replace(spec, path=str(path))
        found, then = spec.vocabulary(), values.get("fingerprint")
        if spec.size != found.size or then not in (None, found.fingerprint):
            raise UserError(
                f"{path} is not the vocabulary that the run was trained with, of {spec.size:,} "
                "pieces. Copy that from its data_dir."
            )
        return spec

    def assets(self) -> list[Path]:
        return [Path(self.path), Path(self.path).with_suffix(".json")] if self.path else []

    def means_the_same(self, values: dict[str, Any]) -> bool:
        if values.get("units", self.units) != self.units:
            return False
        then = values.get("fingerprint")
        return not (then and self.path) or then == self.vocabulary().fingerprint

    @classmethod
    def from_description(cls, values: dict[str, Any]) -> "Language":
        return cls(vocab=values.get("vocab") or "exported")

    def answer_from(self, found: dict[str, Any], top: int) -> dict:
        texts, scores, log_probs = (
            np.atleast_1d(found[name]) for name in ("outputs", "scores", "log_probs")
        )
        if not (np.isfinite(scores[0]) and scores[0] > NO_SCORE):
            return {"error": "it can't be read"}
        texts = [text.decode("utf-8", "replace") for text in texts]
        pairs = zip(texts, scores, strict=True)
        return {
            "outputs": texts[0],
            "score": float(scores[0]),
            "log_prob": float(log_probs[0]),
            # exports of 0.1.0 don't say it
            **({"cut": bool(np.atleast_1d(found["cut"])[0])} if "cut" in found else {}),
            "n_best": [(text, float(score)) for text, score in pairs if score > NO_SCORE],
        }


def _text(value: Any) -> bytes:
    """A text, of any length up to the limit, in UTF-8."""
    if not isinstance(value, str):
        raise UserError(f"text is expected, not {type(value).__name__}")
    if len(value) > LONGEST or len(content := _bytes(value)) > LONGEST:
        raise UserError(f"longer than {LONGEST:,} bytes, which are the most of a text")
    return content


def _bytes(text: str) -> bytes:
    """A text in UTF-8, without byte order marks at its start."""
    try:
        return text.lstrip(visible.BYTE_ORDER_MARK).encode("utf-8")
    except UnicodeEncodeError:  # of bytes that were no UTF-8
        raise UserError("not UTF-8") from None
