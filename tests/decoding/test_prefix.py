"""Outputs that have to begin with a prefix: against brute force over a toy step function, and with
a model."""

import numpy as np
import pytest

from t2t_mm.decoding import Beam, Greedy, Sampling, Search
from t2t_mm.modalities.language.vocabulary import EOS, PAD
from t2t_mm.models.multimodel import MultiModel
from tests.decoding.test_search import EXAMPLES, Trigrams, text_of
from tests.layers.conformance import awake
from tests.models.cases import HP, PROBLEMS, batch

METHODS = [Greedy(), Beam(3), Sampling(1.3, hypotheses=2), Sampling(top_k=2), Sampling(top_p=0.3)]
PREFIX = np.array([[2, 3, 0], [4, 0, 0], [0, 0, 0], [3, 3, 3]], np.int32)  # [EXAMPLES, 3]


@pytest.mark.parametrize("method", METHODS)
def test_every_output_begins_with_its_prefix_and_log_probs_are_of_all_of_it(method):
    toy = Trigrams(3)
    found, _ = toy.search(method, 6, prefix=PREFIX)
    for example in range(EXAMPLES):
        prefix = text_of(PREFIX[example])
        for ids, log_prob in zip(found.ids[example], found.log_probs[example], strict=True):
            assert text_of(ids)[: len(prefix)] == prefix and len(text_of(ids)) > len(prefix)
            assert log_prob == pytest.approx(toy.log_prob(example, text_of(ids)), abs=1e-5)


def test_a_wide_beam_finds_the_best_texts_that_begin_so():
    toy = Trigrams(4)
    found, _ = toy.search(Beam(32, 0.6), 5, prefix=PREFIX)
    for example in range(EXAMPLES):
        prefix = text_of(PREFIX[example])
        best = [each for each in toy.ranked(example, 5, 0.6) if each[2][: len(prefix)] == prefix]
        for rank in range(3):
            assert text_of(found.ids[example, rank]) == best[rank][2]
            assert found.scores[example, rank] == pytest.approx(best[rank][0], abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_a_prefix_of_nothing_changes_nothing(method):
    toy = Trigrams(5)
    free, _ = toy.search(method, 6)
    for width in (0, 2):
        found, _ = toy.search(method, 6, prefix=np.full([EXAMPLES, width], PAD, np.int32))
        for one, other in zip(free, found, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_model_gives_the_whole_output_back_and_goes_on_from_half_of_it():
    model = awake(MultiModel(HP, [PROBLEMS["translate"]]), seed=5)
    search, inputs = Search(model, "translate", Greedy(), longest=9), batch(PROBLEMS["translate"])
    free = search(inputs)
    ids = np.where(free.ids == EOS, PAD, free.ids)[:, 0]  # [batch, length]
    search = Search(model, "translate", Greedy(), longest=9)
    for length in (ids.shape[1] // 2, ids.shape[1], 0):
        found = search(inputs | {"prefix": ids[:, :length]})
        np.testing.assert_array_equal(found.ids, free.ids)
        np.testing.assert_allclose(found.log_probs, free.log_probs, atol=1e-5)
