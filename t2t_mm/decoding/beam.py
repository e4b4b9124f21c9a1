"""Beam search."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from t2t_mm.config.limits import MOST_ALPHA, MOST_HYPOTHESES
from t2t_mm.decoding.stepping import NEVER, Decoded, Greedy, allowed, log_total, put, repeated
from t2t_mm.modalities.language.vocabulary import EOS


@dataclasses.dataclass(frozen=True)
class Beam:
    """Beam search with the length penalty of GNMT (arXiv 1609.08144).

    The score of a text is its log-probability, divided by ((5 + length) / 6)^alpha.

    An example is finished when no hypothesis that goes on can still come to a better score than the
    worst of `hypotheses` that have ended, or at its limit; what has not ended there ranks behind
    what has. A beam of one is greedy search.

    Args:
        hypotheses: width of the beam, and hypotheses returned.
        alpha: at least 0; more favours longer texts.

    Raises:
        ValueError: for an argument out of range.
    """

    hypotheses: int = 4
    alpha: float = 0.6

    def __post_init__(self) -> None:
        if not (1 <= self.hypotheses <= MOST_HYPOTHESES and 0 <= self.alpha <= MOST_ALPHA):
            raise ValueError(
                f"Beam needs hypotheses from 1 to {MOST_HYPOTHESES} and alpha from 0 to "
                f"{MOST_ALPHA:g}, received {self}"
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
        if self.hypotheses == 1:
            ids, log_probs, _ = Greedy()(step, reorder, state, limits, seeds, prefix)
            lengths = tf.math.count_nonzero(ids, axis=-1)
            return Decoded(ids, log_probs, log_probs / self.penalty(lengths))
        length, batch, k = tf.reduce_max(limits), tf.shape(limits)[0], self.hypotheses
        prefix = repeated(prefix, k)
        nothing = tf.zeros([batch, k, length], tf.int32)
        first = tf.tile(
            [[0.0] + [NEVER] * (k - 1)], [batch, 1]
        )  # all rows are alike: one of them speaks
        alive, ended = Hypotheses(nothing, first), Hypotheses(nothing, tf.fill([batch, k], NEVER))
        done = tf.zeros([batch], tf.bool)

        def body(time, alive, ended, ended_scores, done, state):
            last = tf.gather(alive.ids, tf.maximum(time - 1, 0), axis=2)
            logits, state = step(tf.reshape(last, [-1]), time, state)
            found, parents, stop = alive.extended(logits, time, prefix)
            found_scores = tf.where(
                stop & ~done[:, None], found.log_probs / self.penalty(time + 1), NEVER
            )
            scores = tf.concat([ended_scores, found_scores], axis=1)
            ended_scores, best = tf.math.top_k(scores, k)
            ended = ended.joined(found).chosen(best)

            found = found._replace(log_probs=tf.where(stop, NEVER, found.log_probs))
            _, best = tf.math.top_k(found.log_probs, k)
            onward = found.chosen(best)
            alive = Hypotheses(
                *(
                    tf.where(like(done, old), old, new)
                    for old, new in zip(alive, onward, strict=True)
                )
            )
            rows = tf.gather(parents, best, batch_dims=1) + k * tf.range(batch)[:, None]
            state = reorder(state, tf.reshape(rows, [-1]))

            hope = tf.reduce_max(alive.log_probs, axis=1) / self.penalty(limits)
            done |= (hope <= ended_scores[:, -1]) | (time + 1 >= limits)
            return time + 1, alive, ended, ended_scores, done, state

        time, alive, ended, scores, _, _ = tf.while_loop(
            lambda time, alive, ended, ended_scores, done, state: ~tf.reduce_all(done),
            body,
            (tf.constant(0), alive, ended, ended.log_probs, done, state),
            parallel_iterations=1,
        )
        return self._ranked(alive, ended, scores, limits, time)

    def penalty(self, length: Any) -> Any:
        """What the log-probability of a text of this length, end of sequence included, is divided
        by."""
        return ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** self.alpha

    def _ranked(self, alive, ended, scores, limits, time):
        """The best of what ended; where that is not enough, of what was cut off at the limit."""
        cut_scores = alive.log_probs / self.penalty(limits)[:, None]
        both, all_scores = ended.joined(alive), tf.concat([scores, cut_scores], axis=1)
        order = tf.argsort(cut_scores, axis=1, direction="DESCENDING") + self.hypotheses
        filled = tf.math.count_nonzero(scores > NEVER, axis=1, dtype=tf.int32)[:, None]
        slot = tf.range(self.hypotheses)[None]  # [1, k]
        cut = tf.gather(order, tf.maximum(slot - filled, 0), batch_dims=1)
        best = tf.where(slot < filled, slot, cut)
        ids, log_probs = both.chosen(best)
        return Decoded(ids[:, :, :time], log_probs, tf.gather(all_scores, best, batch_dims=1))


class Hypotheses(NamedTuple):
    """Hypotheses of a batch: ids int32 [batch, n, length], log_probs float32 [batch, n]."""

    ids: Any
    log_probs: Any

    def chosen(self, which: Any) -> "Hypotheses":
        """Those with the indices `which` [batch, m]."""
        return Hypotheses(*(tf.gather(values, which, batch_dims=1) for values in self))

    def joined(self, other: "Hypotheses") -> "Hypotheses":
        """These and others."""
        return Hypotheses(*(tf.concat(values, axis=1) for values in zip(self, other, strict=True)))

    def extended(self, logits: Any, time: Any, prefix: Any = None) -> tuple["Hypotheses", Any, Any]:
        """The 2n best continuations by one piece, of which at least n go on.

        Args:
            logits: [batch * n, pieces].
            time: the position of the piece.
            prefix: int32 [batch * n, length], what each has to begin with; see `allowed`.

        Returns:
            Hypotheses [batch, 2n], best first; int32 [batch, 2n], which of these each continues;
            bool [batch, 2n], whether it ends.
        """
        n = self.ids.shape[1]
        each = min(
            2 * n, logits.shape[-1]
        )  # no more of one hypothesis can be among the 2n best of all
        best, pieces = tf.math.top_k(allowed(logits, time, prefix), each)  # [batch * n, each]
        best = tf.reshape(best - log_total(logits), (-1, n, each)) + self.log_probs[:, :, None]
        log_probs, which = tf.math.top_k(tf.reshape(best, (-1, n * each)), 2 * n)
        parents = which // each
        piece = tf.gather(tf.reshape(pieces, (-1, n * each)), which, batch_dims=1)
        ids = tf.gather(self.ids, parents, batch_dims=1)
        return Hypotheses(put(ids, time, piece), log_probs), parents, piece == EOS


def like(done: Any, x: Any) -> Any:
    """done [batch] with as many axes as x."""
    return tf.reshape(done, [-1] + [1] * (len(x.shape) - 1))
