"""A text metric of one's own."""

from t2t_mm import registry
from t2t_mm.evaluation.metrics.scoring import Metric, ratio


@registry.register_metric
class WordsRight(Metric):
    """Share of the reference's words that stand in the output."""

    takes_several = False

    def counts(self, hypotheses, references):
        rows = []
        for hypothesis, (reference,) in zip(hypotheses, references, strict=True):
            words = reference.split()
            rows.append([sum(word in hypothesis.split() for word in words), len(words)])
        return rows

    def value(self, sums):
        return ratio(*sums, self.scale)
