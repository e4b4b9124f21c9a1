"""BLEU and chrF, as sacrebleu computes them by default (Post 2018, aclanthology.org/W18-6319).

The signature is sacrebleu's own: a figure with this signature is one that its command line gives,
to the last digit.
"""

import itertools

from t2t_mm.evaluation.metrics.scoring import Metric, register


class _Sacrebleu(Metric):
    """A metric of sacrebleu, by the methods that its own metrics implement."""

    def judge(self):
        """A new object of sacrebleu's."""
        raise NotImplementedError

    def counts(self, hypotheses, references):
        # sacrebleu wants a list for each reference position, None where an example has fewer
        by_position = list(itertools.zip_longest(*references))
        return self.judge()._extract_corpus_statistics(hypotheses, by_position)

    def value(self, sums):
        return self.judge()._compute_score_from_stats(sums.tolist()).score

    def signature(self, references):
        judge = self.judge()
        numbers = {len(several) for several in references}
        judge.num_refs = numbers.pop() if len(numbers) == 1 else -1  # -1 is printed as "var"
        return str(judge.get_signature())


@register
class Bleu(_Sacrebleu):
    """BLEU (Papineni et al. 2002): n-grams up to 4, tokenizer 13a, exponential smoothing, case
    kept."""

    name = "bleu"

    def judge(self):
        from sacrebleu.metrics import BLEU

        # force: no warning for text that looks tokenised already; the figure is the same
        return BLEU(force=True)

    def details(self, sums):
        told = self.judge()._compute_score_from_stats(sums.tolist())
        precisions = {f"precision_{n}": value for n, value in enumerate(told.precisions, 1)}
        lengths = {"hypothesis_words": told.sys_len, "reference_words": told.ref_len}
        return precisions | {"brevity_penalty": told.bp} | lengths


@register
class Chrf(_Sacrebleu):
    """chrF2 (Popović 2015): character n-grams up to 6, white space left out, recall counts
    twice."""

    name = "chrf"

    def judge(self):
        from sacrebleu.metrics import CHRF

        return CHRF()
