"""BLEU and chrF, as sacrebleu computes them by default (Post 2018, aclanthology.org/W18-6319).

The signature is sacrebleu's own: a figure with this signature is one that its command line gives,
to the last digit.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from t2t_mm import compat, registry
from t2t_mm.evaluation.metrics.scoring import Metric


class _Sacrebleu(Metric):
    """A metric of sacrebleu."""

    def theirs(self) -> Any:
        """A new metric object of sacrebleu's."""
        raise NotImplementedError

    def counts(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> Any:
        # sacrebleu wants a list for each reference position, None where an example has fewer
        by_position = list(itertools.zip_longest(*references))
        return compat.sacrebleu_statistics(self.theirs(), list(hypotheses), by_position)

    def value(self, sums: np.ndarray) -> float:
        return compat.sacrebleu_score(self.theirs(), sums.tolist()).score

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        theirs = self.theirs()
        numbers = {len(several) for several in references}
        theirs.num_refs = numbers.pop() if len(numbers) == 1 else -1  # -1 is printed as "var"
        return str(theirs.get_signature())


@registry.register_metric
class Bleu(_Sacrebleu):
    """BLEU (Papineni et al. 2002): n-grams up to 4, tokenizer 13a, exponential smoothing, case
    kept."""

    def theirs(self) -> Any:
        from sacrebleu.metrics import BLEU

        # force: no warning for text that looks tokenised already; the figure is the same
        return BLEU(force=True)

    def details(self, sums: np.ndarray) -> dict[str, float]:
        score = compat.sacrebleu_score(self.theirs(), sums.tolist())
        precisions = {f"precision_{n}": value for n, value in enumerate(score.precisions, 1)}
        lengths = {"hypothesis_words": score.sys_len, "reference_words": score.ref_len}
        return precisions | {"brevity_penalty": score.bp} | lengths


@registry.register_metric
class Chrf(_Sacrebleu):
    """chrF2 (Popović 2015): character n-grams up to 6, white space left out, recall counts
    twice."""

    def theirs(self) -> Any:
        from sacrebleu.metrics import CHRF

        return CHRF()
