"""Which problem a step trains: given by (seed, step) alone, so that a resumed run draws the
same."""

import numpy as np

GOLDEN = (5**0.5 - 1) / 2


def rates(sizes, hparams, weights=None) -> np.ndarray:
    """Share of the steps that each problem gets.

    Args:
      sizes: training examples of each problem.
      hparams: `mix` says how sizes count: "uniform" not at all, "proportional" as they are,
        "temperature" to the power of 1 / `mix_temperature` (1 is proportional, large is uniform).
      weights: of each problem, as in --problems=a:3+b:1, which then stand for themselves; None, or
        all None, leaves the rates to `mix`.
    Returns:
      float64 [problems], sums to 1.
    """
    if weights is not None and any(weight is not None for weight in weights):
        shares = np.array([1.0 if weight is None else weight for weight in weights], np.float64)
    else:
        powers = {"uniform": 0.0, "proportional": 1.0, "temperature": 1.0 / hparams.mix_temperature}
        shares = np.asarray(sizes, np.float64) ** powers[hparams.mix]
    return shares / shares.sum()


def problem_at(step: int, seed: int, weights) -> int:
    """Index of the problem that step `step` of a run with `seed` trains; `weights` as `rates` gives
    them.

    Steps walk round the circle by the golden section (Weyl's sequence), so that after any number of
    them each problem has had its share within a few steps, and none waits long; drawn freely, a
    problem with a twelfth of 600 steps would get 43 or 57 as often as not.
    """
    shares = np.cumsum(np.asarray(weights, np.float64))
    start = np.random.Generator(np.random.Philox(key=seed)).random()
    place = (start + step * GOLDEN) % 1.0
    return int(np.searchsorted(shares, place * shares[-1], side="right"))
