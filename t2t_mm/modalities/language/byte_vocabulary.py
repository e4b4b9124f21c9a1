"""Bytes as a vocabulary: nothing is learnt, and any text round-trips."""

from collections.abc import Iterable
from typing import Any

from t2t_mm.modalities.language.vocabulary import REPLACEMENT, UNK, Vocabulary

FIRST = UNK + 1  # the id of byte 0
# {id: bytes that it writes}
_WRITTEN = [b"", b"", REPLACEMENT.encode(), *(bytes([byte]) for byte in range(256))]


class Bytes(Vocabulary):
    """The bytes of UTF-8, after the special ids; what no text in UTF-8 is comes out as U+FFFD."""

    size = FIRST + 256

    def encode_py(self, text: str) -> list[int]:
        # A lone surrogate is no Unicode text: its bytes come back as U+FFFD, as in graph.
        return [FIRST + byte for byte in text.encode("utf-8", "surrogatepass")]

    def decode_py(self, ids: Iterable[int]) -> str:
        return b"".join(_WRITTEN[i] for i in self._until_end(ids)).decode("utf-8", "replace")

    def piece(self, i: int) -> str:
        """A byte as text where it is ASCII that can be seen, ▁ for a space, else as in <0xC3>."""
        byte = int(i) - FIRST
        if byte < 0:
            return ("<pad>", "</s>", "<unk>")[i]
        if byte == ord(" "):
            return "▁"
        return chr(byte) if ord(" ") < byte < 0x7F else f"<0x{byte:02X}>"

    def written(self, i: int) -> bytes:
        return _WRITTEN[i]

    def tokenize(self, text: Any) -> Any:
        import tensorflow as tf
        import tensorflow_text

        return FIRST + tf.cast(tensorflow_text.ByteSplitter().split(text), tf.int32)

    def _detokenize(self, ids):
        import tensorflow as tf

        # reduce_join over a ragged last axis joins row by row.
        text = tf.strings.reduce_join(tf.gather(tf.constant(_WRITTEN, tf.string), ids), axis=-1)
        return tf.strings.unicode_transcode(
            text, "UTF-8", "UTF-8", errors="replace", replacement_char=ord(REPLACEMENT)
        )
