"""Shares of examples that are right."""

from t2t_mm.evaluation.metrics.scoring import Metric, ratio, register


@register
class ExactMatch(Metric):
    """Share of outputs, in percent, that are one of their references, white space apart."""

    name = "exact_match"

    def counts(self, hypotheses, references):
        return [
            [_words(hypothesis) in map(_words, several), 1]
            for hypothesis, several in zip(hypotheses, references, strict=True)
        ]

    def value(self, sums):
        return ratio(*sums, self.scale)

    def signature(self, references):
        return "case:mixed|space:collapsed"


@register
class Accuracy(ExactMatch):
    """Share of examples, in percent, whose best class is right (top-1); a class is its label or its
    number. What stands behind a tab, a probability, doesn't count."""

    name = "accuracy"

    def counts(self, hypotheses, references):
        return super().counts([hypothesis.split("\t")[0] for hypothesis in hypotheses], references)


def _words(text):
    return text.split()
