"""One hypothesis at a time, each row for itself: greedy search and sampling.

A method is called with

    step: (ids int32 [rows], time, state) -> (logits [rows, pieces], state), where `rows` holds
        `method.hypotheses` rows for each example, one example after another; at time 0 the ids mean
        nothing;
    reorder: (state, rows int32 [rows]) -> the state after row i has taken over the past of row
        `rows[i]`;
    state: a nested structure of tensors, as of before the first position;
    limits: int32 [batch], at least 1, most output positions of each example;
    seeds: int32 [batch, 2], of what is drawn for each example;
    prefix: int32 [batch, length], what each output has to begin with, then padding; None: anything;

and returns what it `Decoded`. Log-probabilities are the model's own, of all pieces, whatever a
method forbids or filters: that of a text is what teacher forcing gives for the same ids, those of a
prefix included. Padding is never produced.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from t2t_mm.config.limits import INT32, LEAST_TEMPERATURE, MOST_HYPOTHESES, MOST_TEMPERATURE
from t2t_mm.modalities.language.vocabulary import EOS, PAD

NEVER = float("-inf")


class Decoded(NamedTuple):
    """What was decoded, the best hypothesis of each example first.

    ids: int32 [batch, hypotheses, length], with EOS at the end, unless the limit came first, and
        padding after it.
    log_probs: float32 [batch, hypotheses], of the ids; -inf: there was no such hypothesis.
    scores: float32 [batch, hypotheses], what they are ranked by.
    """

    ids: Any
    log_probs: Any
    scores: Any

    @property
    def cut(self) -> Any:
        """bool [batch, hypotheses]: which did not end before their limit."""
        return ~tf.reduce_any(self.ids == EOS, axis=-1)


@dataclasses.dataclass(frozen=True)
class Greedy:
    """The most probable piece at every position."""

    hypotheses = 1

    def __call__(
        self,
        step: Callable,
        reorder: Callable,
        state: Any,
        limits: Any,
        seeds: Any,
        prefix: Any = None,
    ) -> Decoded:
        return _follow(step, state, limits, 1, prefix, lambda logits, time: _argmax(logits))


@dataclasses.dataclass(frozen=True)
class Sampling:
    """Draws every piece from the model's distribution, or from the likelier part of it.

    Args:
        temperature: logits are divided by it.
        top_k: draw from the k most probable pieces; 0: from all.
        top_p: draw from the fewest pieces that have this probability together (arXiv 1904.09751).
        hypotheses: independent draws for each example.

    Raises:
        ValueError: for an argument out of range.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    hypotheses: int = 1

    def __post_init__(self) -> None:
        if not (
            LEAST_TEMPERATURE <= self.temperature <= MOST_TEMPERATURE
            and 0 <= self.top_k <= INT32
            and 0 < self.top_p <= 1
            and 1 <= self.hypotheses <= MOST_HYPOTHESES
        ):
            raise ValueError(
                f"Sampling needs temperature from {LEAST_TEMPERATURE:g} to "
                f"{MOST_TEMPERATURE:g}, top_k >= 0, 0 < top_p <= 1 and hypotheses from 1 to "
                f"{MOST_HYPOTHESES}, received {self}"
            )

    def __call__(
        self,
        step: Callable,
        reorder: Callable,
        state: Any,
        limits: Any,
        seeds: Any,
        prefix: Any = None,
    ) -> Decoded:
        def pick(logits, time):
            below = tf.cumsum(
                tf.nn.softmax(self._filtered(logits / self.temperature)), axis=-1
            )  # [rows, pieces]
            key = lambda seed: tf.stack([seed[0] * 1_000_003 + time, seed[1]])  # noqa: E731
            draw = lambda seed: tf.random.stateless_uniform([self.hypotheses], key(seed))  # noqa: E731
            drawn = tf.reshape(
                tf.map_fn(draw, seeds, fn_output_signature=tf.float32), (-1, 1)
            )  # [rows, 1]
            # The first piece by which that share of the probability is passed; rounding is not to
            # reach the whole.
            return _argmax(tf.cast(below > drawn * 0.999999 * below[:, -1:], tf.int32))

        return _follow(step, state, limits, self.hypotheses, prefix, pick)

    def _filtered(self, logits):
        """The logits, -inf where nothing is to be drawn."""
        if self.top_k:
            least = tf.math.top_k(logits, min(self.top_k, logits.shape[-1])).values[:, -1:]
            logits = tf.where(logits < least, NEVER, logits)
        if self.top_p < 1:
            ranked = tf.sort(logits, direction="DESCENDING")
            before = tf.cumsum(
                tf.nn.softmax(ranked), axis=-1, exclusive=True
            )  # probability of all that are likelier
            least = tf.reduce_min(
                tf.where(before < self.top_p, ranked, float("inf")), axis=-1, keepdims=True
            )
            logits = tf.where(logits < least, NEVER, logits)
        return logits


def _follow(step, state, limits, hypotheses, prefix, pick):
    """Rows that each go their own way: `pick(logits [rows, pieces], time)` is the next piece of
    each, [rows]."""
    limits, prefix = tf.repeat(limits, hypotheses), repeated(prefix, hypotheses)  # [rows, ...]
    nothing = tf.zeros([tf.size(limits), tf.reduce_max(limits)], tf.int32)

    def body(time, last, ids, log_probs, done, state):
        logits, state = step(last, time, state)
        piece = tf.where(done, PAD, pick(allowed(logits, time, prefix), time))
        own = tf.gather(logits, piece, batch_dims=1) - log_total(logits)[:, 0]
        log_probs += tf.where(done, 0.0, own)
        done |= (piece == EOS) | (time + 1 >= limits)
        return time + 1, piece, put(ids, time, piece), log_probs, done, state

    rows = tf.zeros_like(limits)
    time, _, ids, log_probs, _, _ = tf.while_loop(
        lambda time, last, ids, log_probs, done, state: ~tf.reduce_all(done),
        body,
        (tf.constant(0), rows, nothing, tf.cast(rows, tf.float32), rows > 0, state),
        parallel_iterations=1,
    )
    ids = tf.reshape(ids[:, :time], (-1, hypotheses, time))
    log_probs = tf.reshape(log_probs, (-1, hypotheses))
    return Decoded(ids, log_probs, log_probs)


def allowed(logits: Any, time: Any, prefix: Any = None) -> Any:
    """-inf for padding, and for all but the piece that a prefix [rows, length] has at a time; the
    rest as it is: [rows, pieces]."""
    logits += tf.one_hot(PAD, logits.shape[-1], on_value=NEVER, off_value=0.0)
    if prefix is None:
        return logits
    prefix = tf.pad(prefix, [[0, 0], [0, 1]], constant_values=PAD)  # what comes after it is free
    piece = prefix[:, tf.minimum(time, tf.shape(prefix)[1] - 1)]  # [rows]
    is_free = (piece == PAD)[:, None]
    return tf.where(is_free | (tf.range(logits.shape[-1]) == piece[:, None]), logits, NEVER)


def repeated(prefix: Any, hypotheses: int) -> Any:
    """The prefix of each example for each of its rows."""
    return None if prefix is None else tf.repeat(prefix, hypotheses, axis=0)


def log_total(logits: Any) -> Any:
    """What logits exceed their log-probabilities by: [rows, pieces] -> [rows, 1]."""
    return tf.reduce_logsumexp(logits, axis=-1, keepdims=True)


def put(ids: Any, time: Any, piece: Any) -> Any:
    """ids [..., length] with piece [...] at a time."""
    return tf.where(tf.range(tf.shape(ids)[-1]) == time, piece[..., None], ids)


def _argmax(logits):
    return tf.argmax(logits, axis=-1, output_type=tf.int32)
