"""What the grammar itself makes of its sentences: the bound that a model of them can reach.

    python -m t2t_mm.data.mini_world.entropy

A sentence is one meaning, and a meaning comes about in one way alone: the probability of all that
was drawn for it is that of the sentence. So its surprisal is known as soon as it is drawn, and the
entropy is the mean over many.
"""

import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

from t2t_mm.data.mini_world import english, scenes
from t2t_mm.data.mini_world.meaning import Clause


class Told(NamedTuple):
    """A sentence, and how surprising the grammar finds it.

    Attributes:
        sentence: in English.
        nats: negative log-probability.
    """

    sentence: str
    nats: float


class Perplexity(NamedTuple):
    """Of the grammar, which knows nothing better than itself.

    Attributes:
        nats: of a sentence, on average: the entropy.
        per_word, per_character: perplexities, as those of a language model: of a sentence with its
            end, over the words and the characters that it has.
    """

    nats: float
    per_word: float
    per_character: float


class Surprisal(Random):
    """Draws what Random draws, and adds up how surprising it is.

    Attributes:
        nats: the negative log-probability of all that was drawn.
    """

    nats = 0.0
    # Named here, or `choice` would draw by our `random`, and other things than Random's does.
    getrandbits = Random.getrandbits

    def random(self) -> float:
        return _Uniform(super().random(), self)

    def choice(self, seq: Sequence[Any]) -> Any:
        drawn = super().choice(seq)
        self.nats -= math.log(sum(each == drawn for each in seq) / len(seq))
        return drawn

    def choices(self, population: Sequence[Any], weights: Any = None, **options: Any) -> list[Any]:
        drawn = super().choices(population, weights, **options)
        for each in drawn:
            self.nats -= math.log(weights[population.index(each)] / sum(weights))
        return drawn


class _Uniform(float):
    """A number drawn from [0, 1): what it says of a probability has one itself."""

    def __new__(cls, value: float, source: Surprisal) -> "_Uniform":
        drawn = super().__new__(cls, value)
        drawn.source = source
        return drawn

    source: Surprisal

    def __lt__(self, probability: float) -> bool:
        is_less = super().__lt__(probability)
        self.source.nats -= math.log(probability if is_less else 1.0 - probability)
        return is_less


def told(split: str, count: int, seed: int = 0, unique: bool = True) -> Iterator[Told]:
    """The sentences of a split of `mini_world/text`, in its order.

    Args:
        split: "train", "validation" or "test".
        count: how many.
        seed: of the data set.
        unique: whether none is told twice, as there; else they are as frequent as the grammar has
            them.
    """
    rng, nats = Surprisal(f"{seed} text {split}"), dict[Clause, float]()
    rng.getrandbits(64)  # which the data set draws first
    acceptance = math.log(_share_of_short())

    def sampler(rng):
        while True:
            rng.nats = 0.0
            clause = scenes.of_any_length(rng)
            if scenes.is_short(clause):
                nats[clause] = rng.nats + acceptance
                return clause

    for clause in scenes.sample_split(sampler, split, count, rng, unique):
        yield Told(english.sentence(clause), nats[clause])


def _share_of_short(count: int = 20_000) -> float:
    """How likely a sentence is short enough; estimated."""
    rng = Random(0)
    return sum(scenes.is_short(scenes.of_any_length(rng)) for _ in range(count)) / count


def perplexity(sentences: Sequence[Told]) -> Perplexity:
    """The grammar's perplexity of sentences."""
    nats = sum(each.nats for each in sentences)
    words = sum(len(each.sentence.split()) for each in sentences)
    characters = sum(len(each.sentence) for each in sentences)
    return Perplexity(nats / len(sentences), math.exp(nats / words), math.exp(nats / characters))


def main() -> None:
    """Prints it: of sentences as frequent as the grammar has them, and of two splits."""
    samples = {
        "entropy": told("train", 20_000, unique=False),
        "validation": told("validation", 500),
        "test": told("test", 500),
    }
    for name, sentences in samples.items():
        found = perplexity(list(sentences))
        print(
            f"{name}: {found.nats:.2f} nats a sentence; perplexity {found.per_word:.3f} a word, "
            f"{found.per_character:.4f} a character"
        )


if __name__ == "__main__":
    main()
