"""In graph: the linear form of a tree and its sentence -> the tree in brackets; see trees.py."""

from typing import Any

import tensorflow as tf

NONE = tf.constant("")


def delinearize(symbols: Any, sentences: Any) -> Any:
    """Trees over the words of sentences.

    Args:
        symbols: linear forms, strings [n].
        sentences: strings [n].

    Returns:
        Trees, strings [n]; equal to what `trees.delinearize` makes of each pair.
    """
    return tf.map_fn(lambda pair: _one(*pair), (symbols, sentences), fn_output_signature=tf.string)


def _one(symbols, sentence):
    symbols, words = tf.strings.split(symbols), _escaped(tf.strings.split(sentence))
    first = tf.strings.substr(symbols, 0, 1)
    is_open, is_close = first == "(", first == ")"
    bracketed = is_open | is_close
    labels = _escaped(tf.where(bracketed, tf.strings.substr(symbols, 1, -1), symbols))
    labels = tf.where(tf.strings.length(labels) == 0, "ROOT", labels)
    tags = tf.cumsum(tf.cast(~bracketed, tf.int32))  # [N], so many tags up to here
    is_tag = ~bracketed & (tags <= tf.size(words))  # those beyond the last word are ignored
    depth, closed = _structure(labels, is_open, is_close)
    # A constituent is written if it holds a tag.
    seen = tf.concat([[0], tf.cumsum(tf.cast(is_tag, tf.int32))], 0)  # [N + 1], before each symbol
    is_open &= tf.gather(seen, closed) > seen[:-1]
    word = tf.gather(tf.concat([words, [""]], 0), tf.where(is_tag, tags - 1, tf.size(words)))
    text = tf.where(is_tag, tf.strings.join([" (", labels, " ", word, ")"]), NONE)
    text = tf.where(is_open, tf.strings.join([" (", labels]), text)
    # Brackets that close at a symbol come before what it opens; those of the end come last.
    count = tf.math.unsorted_segment_sum(
        tf.cast(is_open, tf.int32), closed, tf.size(symbols) + 1
    )  # [N + 1]
    text = tf.strings.join([_closings(count), tf.concat([text, [""]], 0)])
    rest = tf.strings.reduce_join(tf.strings.join([" (XX ", words[seen[-1] :], ")"]))
    return _rooted(tf.strings.reduce_join(text), rest, (is_open | is_tag) & (depth == 0), is_open)


def _rooted(trees, rest, outermost, is_open):
    """One tree of all: " (A ...) (B ...)" and the words without tag, which are put under the
    outermost constituent."""
    count = tf.reduce_sum(tf.cast(outermost, tf.int32))
    alone = (count == 1) & (tf.reduce_any(outermost & is_open) | (tf.strings.length(rest) == 0))
    padded, length = tf.strings.join([trees, "  "]), tf.strings.length(trees)
    open_root = tf.strings.substr(
        padded, 1, tf.maximum(length - 2, 0)
    )  # without the space, and the last bracket
    return tf.where(
        alone, tf.strings.join([open_root, rest, ")"]), tf.strings.join(["(ROOT", trees, rest, ")"])
    )


def _structure(labels, is_open, is_close):
    """(how many constituents are open before each symbol [N], the symbol at which each is closed
    [N], N at the end)"""
    count = tf.size(labels)
    places = tf.range(count)

    def step(at, stack, top, depth, closed):
        # stack [N]: which symbols opened what is open, the first `top` of them.
        depth = tf.tensor_scatter_nd_update(depth, [[at]], [top])
        matching = (places < top) & (tf.gather(labels, stack) == labels[at])
        innermost = tf.reduce_max(tf.where(matching, places, -1))
        closes = is_close[at] & (innermost >= 0)
        ends = closes & (places >= innermost) & (places < top)
        opened = tf.boolean_mask(stack, ends)
        closed = tf.tensor_scatter_nd_update(closed, opened[:, None], tf.fill(tf.shape(opened), at))
        top = tf.where(closes, innermost, top)
        stack = tf.where(is_open[at] & (places == top), at, stack)
        return at + 1, stack, top + tf.cast(is_open[at], tf.int32), depth, closed

    zeros = tf.zeros([count], tf.int32)
    state = (tf.constant(0), zeros, tf.constant(0), zeros, tf.fill([count], count))
    *_, depth, closed = tf.while_loop(lambda at, *_: at < count, step, state)
    return depth, closed


def _closings(count):
    """Strings of so many closing brackets."""
    longest = tf.concat([[0], count], 0)
    brackets = tf.strings.reduce_join(tf.fill([tf.reduce_max(longest)], ")"))
    return tf.strings.substr(tf.fill(tf.shape(count), brackets), tf.zeros_like(count), count)


def _escaped(text):
    return tf.strings.regex_replace(tf.strings.regex_replace(text, r"\(", "-LRB-"), r"\)", "-RRB-")
