"""CIDEr-D and ROUGE-L: captions against several references."""

import importlib.metadata
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from t2t_mm import registry
from t2t_mm.evaluation.metrics import normalization
from t2t_mm.evaluation.metrics.scoring import Metric, ratio

ORDERS = 4  # n-grams of 1 to 4 words
SIGMA = 6.0  # of the penalty on a difference in length, in words


@registry.register_metric
class Cider(Metric):
    """CIDEr-D (Vedantam et al. 2015, arXiv 1411.5726): how alike two captions are in tf-idf
    weighted n-grams.

    For n = 1 to 4, the cosine between the tf-idf vectors of hypothesis and reference, with the
    hypothesis' weights clipped to the reference's, times exp(-(difference in length)^2 / 2
    sigma^2); the mean over n and over the references, times 10. An n-gram's document frequency is
    the number of examples with it in a reference. Thus the figure depends on the whole corpus:
    n-grams in all examples weigh nothing, and one example alone scores 0.

    This is what coco-caption calls CIDEr, but for the words: we take the plain form of a text,
    coco-caption a Penn Treebank tokenizer in Java that also leaves punctuation out. They differ at
    clitics and hyphens only.

    A resample keeps the document frequencies of the whole corpus.
    """

    scale, unit = 10, ""

    def counts(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> Any:
        cooked = [[_NGrams(reference) for reference in several] for several in references]
        frequency: Counter = Counter()
        for several in cooked:
            frequency.update(set().union(*(each.counts for each in several)))
        weights = _Weights(frequency, len(references))
        return [
            [weights.similarity(_NGrams(hypothesis), several), 1]
            for hypothesis, several in zip(hypotheses, cooked, strict=True)
        ]

    def value(self, sums: np.ndarray) -> float:
        return ratio(sums[0], sums[1], self.scale)

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        return f"variant:D|n:{ORDERS}|sigma:{SIGMA:g}|df:references|{normalization.SIGNATURE}"


class _NGrams:
    """How often a text has each n-gram, a tuple of words, and how many words it has."""

    def __init__(self, text: str) -> None:
        words = normalization.plain(text).split()
        self.length = len(words)
        self.counts = Counter(
            tuple(words[start : start + n])
            for n in range(1, ORDERS + 1)
            for start in range(len(words) - n + 1)
        )


class _Weights:
    """tf-idf by the document frequencies of a corpus."""

    def __init__(self, frequency: Counter, documents: int) -> None:
        self._frequency, self._documents = frequency, documents

    def similarity(self, hypothesis: _NGrams, references: Sequence[_NGrams]) -> float:
        """Mean similarity to the references, from 0 to 1."""
        ours = self._vectors(hypothesis)
        total = 0.0
        for reference in references:
            penalty = math.exp(-((hypothesis.length - reference.length) ** 2) / (2 * SIGMA**2))
            theirs = self._vectors(reference)
            total += penalty * sum(map(_clipped_cosine, ours, theirs)) / ORDERS
        return total / len(references)

    def _vectors(self, ngrams: _NGrams) -> list[dict[tuple, float]]:
        """For each n, n-gram -> term frequency * log(documents / document frequency)."""
        vectors: list[dict[tuple, float]] = [{} for _ in range(ORDERS)]
        for ngram, count in ngrams.counts.items():
            idf = math.log(self._documents / max(1, self._frequency[ngram]))
            vectors[len(ngram) - 1][ngram] = count * idf
        return vectors


def _clipped_cosine(ours: dict[tuple, float], theirs: dict[tuple, float]) -> float:
    product = sum(
        min(weight, theirs[ngram]) * theirs[ngram]
        for ngram, weight in ours.items()
        if ngram in theirs
    )
    return ratio(product, _norm(ours) * _norm(theirs))


def _norm(vector: dict[tuple, float]) -> float:
    return math.sqrt(sum(weight**2 for weight in vector.values()))


@registry.register_metric
class RougeL(Metric):
    """ROUGE-L (Lin 2004) by the rouge-score package: F1 of the longest common subsequence, in
    percent, against the best of the references.

    Its words are runs of a-z and 0-9 in lower case, as in the original for English: letters with
    accents divide words. coco-caption's ROUGE-L, which favours recall (beta 1.2), is another
    figure.
    """

    def counts(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> Any:
        from rouge_score.rouge_scorer import RougeScorer

        scorer = RougeScorer(["rougeL"], use_stemmer=False)
        return [
            [scorer.score_multi(several, hypothesis)["rougeL"].fmeasure, 1]
            for hypothesis, several in zip(hypotheses, references, strict=True)
        ]

    def value(self, sums: np.ndarray) -> float:
        return ratio(sums[0], sums[1], self.scale)

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        version = importlib.metadata.version("rouge-score")
        return f"f1|refs:best|stemmer:no|tokens:a-z0-9|rouge-score:{version}"
