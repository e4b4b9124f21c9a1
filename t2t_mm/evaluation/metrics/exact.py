"""Outputs that are right to the word."""

from collections.abc import Sequence

import numpy as np

from t2t_mm import registry
from t2t_mm.evaluation.metrics.scoring import Metric, ratio


@registry.register_metric
class ExactMatch(Metric):
    """Share of outputs, in percent, that are one of their references, white space apart."""

    def counts(
        self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]
    ) -> list[list[int]]:
        return [
            [hypothesis.split() in map(str.split, several), 1]
            for hypothesis, several in zip(hypotheses, references, strict=True)
        ]

    def value(self, sums: np.ndarray) -> float:
        return ratio(sums[0], sums[1], self.scale)

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        return "case:mixed|space:collapsed"
