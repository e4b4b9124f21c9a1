"""Perplexities of language models: of a token, which only models of one vocabulary share, and of a
word and a character, which any models of one text share.

All are e to the negative log likelihood of a text, its end included, divided by how many of them it
has. Words stand apart by ASCII white space; characters are those of Unicode, spaces included.
"""

from typing import Any, ClassVar

import numpy as np

from t2t_mm import registry
from t2t_mm.evaluation.metrics.teacher_forced import LogPerplexity


@registry.register_metric
class Perplexity(LogPerplexity):
    """Perplexity of a target token, its natural logarithm being the log_perplexity."""

    def value(self, sums: np.ndarray) -> float:
        with np.errstate(over="ignore"):  # infinite is what it then is
            return float(np.exp(super().value(sums)))


class _OfText(Perplexity):
    """Perplexity of one of the units of `Modality.amounts`.

    Args:
        targets: the spec of the targets.
    """

    counts_of: ClassVar[str]

    def __init__(self, targets: Any = None) -> None:
        self.targets = targets

    def measuring(self, targets: Any) -> "_OfText":
        return type(self)(targets)

    def sums(self, logits: Any, targets: Any, mask: Any) -> tuple[Any, Any]:
        nats, _ = super().sums(logits, targets, mask)
        return nats, self.targets.amounts(targets, mask)[self.counts_of]


@registry.register_metric
class PerplexityPerWord(_OfText):
    """Perplexity of a word of the targets, by which models of other vocabularies compare."""

    counts_of = "words"


@registry.register_metric
class PerplexityPerCharacter(_OfText):
    """Perplexity of a character of the targets, by which models of other vocabularies compare."""

    counts_of = "characters"
