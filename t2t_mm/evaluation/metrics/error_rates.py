"""Word and character error rate by jiwer: substitutions, deletions and insertions per 100 units of
the reference.

Both sides are put in plain form first (`normalization.plain`). Nothing bounds an error rate at 100.
"""

import importlib.metadata
from collections.abc import Sequence
from typing import Any

import numpy as np

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.evaluation.metrics import normalization
from t2t_mm.evaluation.metrics.normalization import plain
from t2t_mm.evaluation.metrics.scoring import Metric, ratio


class _ErrorRate(Metric):
    higher_is_better = False
    takes_several = False

    def align(self, reference: str, hypothesis: str) -> Any:
        """jiwer's result for one pair; the reference is not empty."""
        raise NotImplementedError

    def units(self, text: str) -> Sequence[str]:
        """What is counted in a plain text."""
        raise NotImplementedError

    def counts(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> Any:
        rows = [
            self._row(plain(hypothesis), plain(reference))
            for hypothesis, (reference,) in zip(hypotheses, references, strict=True)
        ]
        if not any(length for *_, length in rows):
            raise UserError(
                f"No reference holds a word after normalisation ({normalization.SIGNATURE}): "
                f"{self.name} is undefined."
            )
        return rows

    def _row(self, hypothesis: str, reference: str) -> list[int]:
        if (
            not reference
        ):  # silence: jiwer's releases differ here, but all that was heard is inserted
            return [0, 0, len(self.units(hypothesis)), 0]
        found = self.align(reference, hypothesis)
        length = found.hits + found.substitutions + found.deletions
        return [found.substitutions, found.deletions, found.insertions, length]

    def value(self, sums: np.ndarray) -> float:
        return ratio(sums[:3].sum(), sums[3], self.scale)

    def details(self, sums: np.ndarray) -> dict[str, float]:
        names = ("substitutions", "deletions", "insertions", "reference_length")
        return dict(zip(names, sums.tolist(), strict=True))

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        return f"{normalization.SIGNATURE}|jiwer:{importlib.metadata.version('jiwer')}"


@registry.register_metric
class Wer(_ErrorRate):
    """Word error rate, in percent."""

    def align(self, reference: str, hypothesis: str) -> Any:
        import jiwer

        return jiwer.process_words(reference, hypothesis)

    def units(self, text: str) -> Sequence[str]:
        return text.split()


@registry.register_metric
class Cer(_ErrorRate):
    """Character error rate, in percent; a space between words is a character."""

    def align(self, reference: str, hypothesis: str) -> Any:
        import jiwer

        return jiwer.process_characters(reference, hypothesis)

    def units(self, text: str) -> Sequence[str]:
        return text
