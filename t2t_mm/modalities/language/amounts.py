"""How many words and characters ids stand for, without writing them out: in graphs that XLA
compiles, too."""

from typing import Any, NamedTuple

import numpy as np

SPACES = b" \t\n\v\f\r"
CONTINUED = 0b1000_0000  # the upper two bits of a byte in UTF-8 that begins no character


class Table(NamedTuple):
    """What each id of a vocabulary writes; arrays [size].

    Attributes:
        characters: that begin in it.
        words: that begin in it, behind a space of its own.
        opens: whether it begins with what belongs to a word.
        closes: whether it ends in a space.
    """

    characters: np.ndarray
    words: np.ndarray
    opens: np.ndarray
    closes: np.ndarray


def table(vocabulary: Any) -> Table:
    """The table of a vocabulary."""
    rows = [_row(vocabulary.written(i)) for i in range(vocabulary.size)]
    characters, words, opens, closes = (np.array(column) for column in zip(*rows, strict=True))
    return Table(characters, words, opens, closes)


def _row(written: bytes) -> tuple[int, int, bool, bool]:
    is_space = [byte in SPACES for byte in written]
    return (
        sum(byte & 0b1100_0000 != CONTINUED for byte in written),
        sum(before and not now for before, now in zip(is_space, is_space[1:], strict=False)),
        bool(is_space) and not is_space[0],
        bool(is_space) and is_space[-1],
    )


def counted(of: Table, ids: Any, mask: Any) -> dict[str, Any]:
    """`Modality.amounts` by a table."""
    import tensorflow as tf

    closes = tf.gather(tf.constant(of.closes), ids)  # [batch, length]
    behind_space = tf.concat([tf.ones_like(mask[:, :1]), closes[:, :-1]], axis=1)
    begins = tf.gather(tf.constant(of.opens), ids) & behind_space
    words = tf.gather(tf.constant(of.words), ids) + tf.cast(begins, tf.int64)
    each = {"words": words, "characters": tf.gather(tf.constant(of.characters), ids)}
    return {
        name: tf.reduce_sum(tf.where(mask, tf.cast(count, tf.float64), 0.0))
        for name, count in each.items()
    }
