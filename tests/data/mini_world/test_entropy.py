"""What the grammar itself makes of its sentences."""

import math
from random import Random

import pytest

from t2t_mm.data.mini_world import english, entropy, scenes


def test_the_probabilities_of_all_that_can_be_drawn_sum_to_one():
    rng, nats = entropy.Surprisal(0), {}
    for _ in range(40_000):
        rng.nats = 0.0
        clause = scenes.spoken(rng)
        assert nats.setdefault(clause, rng.nats) == pytest.approx(rng.nats)
    total = sum(math.exp(-each) for each in nats.values())
    assert 0.9 < total < 1.0 and len(nats) > 3000  # the rest was not drawn yet


def test_the_sentences_are_those_of_the_data_set():
    rng = Random("0 text test")
    rng.getrandbits(64)
    there = scenes.sample_split(scenes.described, "test", 5, rng, unique=True)
    told = list(entropy.told("test", 5))
    assert [each.sentence for each in told] == [english.sentence(clause) for clause in there]
    found = entropy.perplexity(told)
    assert 10 < found.nats < 30 and 1 < found.per_character < found.per_word
