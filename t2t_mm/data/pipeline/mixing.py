"""Which problem a step trains: given by (seed, step) alone, so that a resumed run draws the
same."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from t2t_mm.config.hparams import HParams

GOLDEN = (5**0.5 - 1) / 2


@dataclasses.dataclass(frozen=True)
class Mixture:
    """The problems of a run, and how often each is trained.

    Attributes:
        problems: resolved problems, in the order that decides what (seed, step) samples.
        rates: the share of the steps that each gets.
        seed: of the run.
    """

    problems: tuple
    rates: tuple[float, ...]
    seed: int

    @classmethod
    def of(
        cls, problems: Sequence, hparams: HParams, weights: dict[str, float | None], seed: int
    ) -> "Mixture":
        """The mixture that --problems and hparams ask for.

        Args:
            problems: resolved problems.
            hparams: see `rates`.
            weights: {problem: weight, or None}; a problem that is not among them has none.
            seed: of the run.
        """
        sizes = [problem.splits().get("train", 0) for problem in problems]
        shares = rates(sizes, hparams, [weights.get(problem.name) for problem in problems])
        return cls(tuple(problems), tuple(shares.tolist()), seed)

    def ordered(self, names: Sequence[str]) -> "Mixture":
        """The same mixture, its problems in the order of these names."""
        order = sorted(range(len(self.problems)), key=lambda i: names.index(self.problems[i].name))
        return Mixture(
            tuple(self.problems[i] for i in order), tuple(self.rates[i] for i in order), self.seed
        )

    def at(self, step: int) -> Any:
        """The problem that step `step` (the first is 0) trains."""
        return self.problems[problem_at(step, self.seed, self.rates)]

    def shares(self) -> dict[str, float]:
        """{problem: its share of the steps}."""
        return {p.name: rate for p, rate in zip(self.problems, self.rates, strict=True)}


def rates(
    sizes: Sequence[int], hparams: HParams, weights: Sequence[float | None] | None = None
) -> np.ndarray:
    """Share of the steps that each problem gets.

    Args:
        sizes: training examples of each problem.
        hparams: `mix` says how sizes count: "uniform" not at all, "proportional" as they are,
            "temperature" to the power of 1 / `mix_temperature` (1 is proportional, large is
            uniform).
        weights: of each problem, as in --problems=a:3+b:1, which then stand for themselves; None,
            or all None, leaves the rates to `mix`.

    Returns:
        float64 [problems], sums to 1.
    """
    if weights is not None and any(weight is not None for weight in weights):
        shares = np.array([1.0 if weight is None else weight for weight in weights], np.float64)
    else:
        powers = {"uniform": 0.0, "proportional": 1.0, "temperature": 1.0 / hparams.mix_temperature}
        shares = np.asarray(sizes, np.float64) ** powers[hparams.mix]
    return shares / shares.sum()


def problem_at(step: int, seed: int, weights: Sequence[float]) -> int:
    """Index of the problem that step `step` of a run with `seed` trains; `weights` as `rates` gives
    them.

    Steps walk round the circle by the golden section (Weyl's sequence), so that after any number of
    them each problem has had its share within a few steps, and none waits long; sampled
    independently, a problem with a twelfth of 600 steps would get 43 or 57 as often as not.
    """
    shares = np.cumsum(np.asarray(weights, np.float64))
    start = np.random.Generator(np.random.Philox(key=seed)).random()
    place = (start + step * GOLDEN) % 1.0
    return int(np.searchsorted(shares, place * shares[-1], side="right"))
