"""Noisy top-k gating and what balances it (arXiv 1701.06538, section 2.1 and appendix A)."""

import math
from typing import Any

import keras
from keras import ops


def noisy_top_k(clean: Any, deviation: Any, k: int, valid: Any, seed: Any) -> tuple:
    """Choose k experts for each token, and say how evenly the tokens are spread.

    Args:
        clean: float32 [tokens, experts], the logits without noise.
        deviation: float32 [tokens, experts], standard deviation of the noise; `None`: no noise.
        k: experts for each token.
        valid: bool [tokens]; a padding token has gates of zero and is not counted.
        seed: `keras.random.SeedGenerator` of the noise.

    Returns:
        gates float32 [tokens, k] (a softmax over the chosen logits), chosen experts int32 [tokens,
        k], importance float32 [experts] (sum of gates) and load float32 [experts]: how many tokens
        each expert gets, or with noise the smooth estimate of it (appendix A), which has a
        gradient.
    """
    experts = clean.shape[-1]
    noisy = clean
    if deviation is not None:
        noisy = clean + deviation * keras.random.normal(ops.shape(clean), seed=seed)
    largest, ranked = ops.top_k(noisy, min(k + 1, experts))  # both [T, k + 1]
    chosen = ops.cast(ranked[:, :k], "int32")
    counted = ops.cast(valid, "float32")[:, None]  # [T, 1]
    gates = ops.softmax(largest[:, :k]) * counted

    def per_expert(values):  # [T, k] -> [E]
        return ops.segment_sum(ops.reshape(values, (-1,)), ops.reshape(chosen, (-1,)), experts)

    if deviation is None or k == experts:
        load = per_expert(ops.broadcast_to(counted, ops.shape(gates)))
    else:
        # The probability of being chosen if only this logit's noise were drawn again: a chosen
        # logit must exceed the best of the others, any other logit the worst of the chosen.
        best_out, worst_in = largest[:, k : k + 1], largest[:, k - 1 : k]
        threshold = ops.where(noisy > best_out, best_out, worst_in)  # [T, E]
        load = ops.sum(normal_cdf((clean - threshold) / deviation) * counted, axis=0)
    return gates, chosen, per_expert(gates), load


def normal_cdf(x: Any) -> Any:
    """The standard normal distribution function Phi."""
    return 0.5 * (1.0 + ops.erf(x * math.sqrt(0.5)))


def squared_variation(x: Any) -> Any:
    """Squared coefficient of variation, variance / mean^2, of a vector; zero for a vector of
    zeros."""
    return ops.var(x) / (ops.square(ops.mean(x)) + 1e-10)
