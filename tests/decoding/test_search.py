"""Search: against brute force over a toy step function, and over models."""

import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.decoding import Beam, Decoded, Greedy, Sampling, Search, decode
from t2t_mm.decoding.search import usual_limits
from t2t_mm.modalities.language.vocabulary import EOS, PAD
from t2t_mm.models.multimodel import MultiModel
from tests.layers.conformance import awake
from tests.models.cases import HP, PROBLEMS, batch, problem

PIECES, EXAMPLES = 5, 4


class Trigrams:
    """A toy step function: the next piece depends on the example and on the last two, one of them
    kept in the state."""

    def __init__(self, seed=0, eos=0.0):
        self.table = np.random.default_rng(seed).normal(
            size=(EXAMPLES, PIECES, PIECES, PIECES), scale=1.5
        )
        self.table[..., EOS] += eos

    def search(self, method, limit=5, seed=0, prefix=None):
        """(Decoded as arrays, number of steps)."""
        table = tf.constant(self.table, tf.float32)
        example = tf.repeat(tf.range(EXAMPLES), method.hypotheses)

        def step(ids, time, state):
            last, steps = state
            return tf.gather_nd(table, tf.stack([example, last, ids], axis=1)), (ids, steps + 1)

        def reorder(state, rows):
            return tf.gather(state[0], rows), state[1]

        class Watched:  # the last state's count of steps, seen from outside
            steps = tf.Variable(0)

        def watched(ids, time, state):
            logits, state = step(ids, time, state)
            with tf.control_dependencies([Watched.steps.assign(state[1])]):
                return tf.identity(logits), state

        limits = tf.broadcast_to(limit, [EXAMPLES])
        start = tf.zeros_like(example), tf.constant(0)
        seeds = tf.stack([tf.fill([EXAMPLES], seed), tf.range(EXAMPLES)], 1)
        found = tf.function(
            lambda: method(watched, reorder, start, limits, seeds, prefix), autograph=False
        )()
        return type(found)(*(value.numpy() for value in found)), int(Watched.steps)

    def log_prob(self, example, text):
        last, ids, total = 0, 0, 0.0
        for piece in text:
            logits = self.table[example, last, ids]
            total += logits[piece] - np.log(np.exp(logits).sum())
            last, ids = ids, piece
        return total

    def ranked(self, example, limit, alpha):
        """All texts that end within the limit, best first: [(score, log-probability, text)]."""
        texts = []
        for length in range(1, limit + 1):
            for middle in itertools.product(
                [piece for piece in range(PIECES) if piece not in (PAD, EOS)], repeat=length - 1
            ):
                text = (*middle, EOS)
                log_prob = self.log_prob(example, text)
                texts.append((log_prob / ((5 + length) / 6) ** alpha, log_prob, text))
        return sorted(texts, reverse=True)


def text_of(ids):
    """The ids without padding."""
    return tuple(int(i) for i in ids if i != PAD)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
def test_a_wide_beam_finds_what_brute_force_finds(alpha):
    toy = Trigrams()
    found, _ = toy.search(Beam(200, alpha))  # of 324 continuations at most, none is lost
    for example in range(EXAMPLES):
        scores, log_probs, texts = zip(*toy.ranked(example, 5, alpha), strict=True)
        count = len(texts)  # 1 + 3 + 9 + 27 + 81, those of other hypotheses are cut off
        np.testing.assert_allclose(found.scores[example, :count], scores, atol=1e-4)
        assert {text_of(ids) for ids in found.ids[example, :count]} == set(texts)
        assert text_of(found.ids[example, 0]) == texts[0]
        np.testing.assert_allclose(found.log_probs[example, 0], log_probs[0], atol=1e-4)


@pytest.mark.parametrize(
    "method", [Beam(2), Beam(4, 0.0), Greedy(), Sampling(hypotheses=3)], ids=str
)
def test_log_probs_are_those_of_the_ids(method):
    toy = Trigrams(seed=1)
    found, _ = toy.search(method, limit=7)
    for example, row in itertools.product(range(EXAMPLES), range(method.hypotheses)):
        wanted = toy.log_prob(example, text_of(found.ids[example, row]))
        np.testing.assert_allclose(found.log_probs[example, row], wanted, atol=1e-4)
    assert (np.diff(found.scores) <= 0).all() or isinstance(method, Sampling)


def test_a_beam_is_never_worse_than_a_narrower_one_here():
    toy = Trigrams(seed=2)
    scores = [toy.search(Beam(width, 0.6), limit=8)[0].scores[:, 0] for width in (2, 4, 40)]
    assert (scores[0] <= scores[2] + 1e-5).all() and (scores[1] <= scores[2] + 1e-5).all()


@pytest.mark.parametrize("method", [Greedy(), Beam(3), Sampling(hypotheses=2)], ids=str)
def test_nothing_follows_the_end_and_padding_is_never_put_out(method):
    toy = Trigrams(seed=3)
    toy.table[..., PAD] += 9.0  # the model would love to
    found, _ = toy.search(method, limit=[1, 4, 9, 20])
    for ids, limit in zip(found.ids, (1, 4, 9, 20), strict=True):
        for row in ids:
            text = text_of(row)
            assert 1 <= len(text) <= limit and EOS not in text[:-1]
            assert (row[len(text) :] == PAD).all()  # and none before


def test_greedy_takes_the_best_and_a_beam_of_one_is_greedy():
    toy = Trigrams(seed=4)
    greedy, steps = toy.search(Greedy(), limit=9)
    for example in range(EXAMPLES):
        last = ids = 0
        for piece in text_of(greedy.ids[example, 0]):
            assert piece == 1 + np.argmax(toy.table[example, last, ids, 1:])
            last, ids = ids, piece
    beam, _ = toy.search(Beam(1, alpha=1.0), limit=9)
    np.testing.assert_array_equal(beam.ids, greedy.ids)
    np.testing.assert_array_equal(beam.log_probs, greedy.log_probs)
    lengths = (greedy.ids != PAD).sum(-1)
    np.testing.assert_allclose(beam.scores, greedy.log_probs / ((5 + lengths) / 6), rtol=1e-5)


@pytest.mark.parametrize("method", [Greedy(), Beam(3)], ids=str)
def test_search_stops_as_soon_as_nothing_can_change(method):
    found, steps = Trigrams(eos=20.0).search(method, limit=20)
    assert steps < 10 and (found.ids[:, 0, 0] == EOS).all()
    _, steps = Trigrams(eos=-20.0).search(method, limit=30)
    assert steps == 30


def test_what_is_cut_off_ranks_behind_what_has_ended():
    toy = Trigrams(eos=-6.0)
    found, _ = toy.search(Beam(6, 1.0), limit=3)
    ended = (found.ids == EOS).any(-1)
    assert ended.any() and not ended.all()
    assert (np.diff(ended.astype(int)) <= 0).all()
    for mask in (ended, ~ended):
        for scores, which in zip(found.scores, mask, strict=True):
            assert (np.diff(scores[which]) <= 0).all()


def test_fewer_texts_than_hypotheses_leave_some_without_probability():
    found, _ = Trigrams().search(Beam(4), limit=1)
    assert np.isfinite(found.log_probs).all()  # one that ends, three that are cut off
    found, _ = Trigrams().search(Beam(8), limit=1)
    assert (np.isfinite(found.log_probs).sum(-1) == 4).all()


def test_sampling_is_reproducible_and_follows_the_distribution():
    toy = Trigrams(seed=5)
    one, same, other = (toy.search(Sampling(hypotheses=2000), seed=seed)[0] for seed in (7, 7, 8))
    np.testing.assert_array_equal(one.ids, same.ids)
    assert (one.ids != other.ids).any()
    for example in range(EXAMPLES):
        logits = toy.table[example, 0, 0].copy()
        logits[PAD] = -np.inf
        wanted = np.exp(logits) / np.exp(logits).sum()
        found = np.bincount(one.ids[example, :, 0], minlength=PIECES) / 2000
        np.testing.assert_allclose(found, wanted, atol=0.05)


def test_sampling_keeps_to_top_k_and_top_p():
    toy = Trigrams(seed=6)
    logits = toy.table[:, 0, 0].copy()
    logits[:, PAD] = -np.inf
    probs = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    order = np.argsort(-probs, axis=-1)
    top_k, _ = toy.search(Sampling(top_k=2, hypotheses=300))
    top_p, _ = toy.search(Sampling(top_p=0.7, hypotheses=300))
    for example in range(EXAMPLES):
        assert set(top_k.ids[example, :, 0]) == set(order[example, :2])
        needed = 1 + int((np.cumsum(probs[example, order[example]]) < 0.7).sum())
        assert set(top_p.ids[example, :, 0]) == set(order[example, :needed])
    cold, greedy = toy.search(Sampling(temperature=1e-3))[0], toy.search(Greedy())[0]
    np.testing.assert_array_equal(cold.ids, greedy.ids)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Beam(0),
        lambda: Beam(2, -1.0),
        lambda: Sampling(0.0),
        lambda: Sampling(top_p=0.0),
        lambda: Sampling(top_k=-1),
    ],
)
def test_arguments_are_checked(make):
    with pytest.raises(ValueError, match="received"):
        make()


@pytest.fixture(scope="module")
def model():
    return awake(MultiModel(HP, [PROBLEMS["translate"], PROBLEMS["caption"]]), seed=5)


@pytest.fixture(scope="module")
def searches(model):
    return {
        type(method): Search(model, "translate", method, longest=20)
        for method in (Greedy(), Beam(3))
    }


def sources(size=5, length=11):
    """Inputs of falling length; the last holds nothing but an end of sequence."""
    rng = np.random.default_rng(0)
    ids = rng.integers(3, 40, (size, length)).astype("int32")
    lengths = np.linspace(length, 1, size).astype(int)
    ids[np.arange(size), lengths - 1] = EOS
    mask = np.arange(length) < lengths[:, None]
    return {"inputs": np.where(mask, ids, PAD), "inputs_mask": mask}


@pytest.mark.parametrize("method", [Greedy, Beam])
def test_a_model_decodes_to_true_log_probs(model, searches, method):
    data, found = sources(), searches[method](sources())
    size, hypotheses, length = found.ids.shape
    assert not (found.ids.numpy() == PAD)[:, :, 0].any()
    wide = {key: tf.repeat(value, hypotheses, axis=0) for key, value in data.items()}
    targets = tf.reshape(found.ids, (-1, length))
    logits = model(
        wide | {"targets": targets, "targets_mask": targets != PAD}, problem="translate"
    )["logits"]
    own = tf.gather(tf.nn.log_softmax(logits), targets, batch_dims=2)
    wanted = tf.reduce_sum(tf.where(targets == PAD, 0.0, own), axis=1)
    np.testing.assert_allclose(tf.reshape(found.log_probs, [-1]), wanted, atol=1e-3)


@pytest.mark.parametrize("method", [Greedy, Beam])
def test_a_batch_decodes_as_its_examples_do(searches, method):
    data = sources()
    together = searches[method](data)
    for i, length in enumerate(data["inputs_mask"].sum(1)):
        for width in (length, length + 9):
            alone = {
                key: np.pad(value[i : i + 1], [[0, 0], [0, 9]])[:, :width]
                for key, value in data.items()
            }
            found = searches[method](alone)
            assert [text_of(ids) for ids in found.ids[0]] == [
                text_of(ids) for ids in together.ids[i]
            ]
            np.testing.assert_allclose(found.scores[0], together.scores[i], atol=1e-4)


def test_a_models_beam_of_one_is_greedy(model, searches):
    greedy, beam = (
        searches[Greedy](sources()),
        Search(model, "translate", Beam(1), longest=20)(sources()),
    )
    np.testing.assert_array_equal(beam.ids, greedy.ids)
    np.testing.assert_array_equal(beam.log_probs, greedy.log_probs)


def test_limits_are_kept(searches):
    found = searches[Greedy](sources(), limits=[3, 1, 20, 99, 7])
    lengths = (found.ids[:, 0] != PAD).numpy().sum(-1)
    assert (lengths <= [3, 1, 20, 20, 7]).all() and lengths[1] == 1


class Asked:
    """A method that looks at the limits alone."""

    hypotheses = 1

    def __call__(self, step, reorder, state, limits, seeds, prefix):
        return Decoded(limits[:, None, None], limits[:, None], limits[:, None])


@pytest.mark.parametrize(
    "longest, wanted", [(None, [64, 58, 52]), (5, [5, 5, 5]), (700, [700, 700, 700])]
)
def test_an_output_may_be_as_long_as_it_is_asked_to(model, longest, wanted):
    """Unasked it is twice the input and 50, and at most 512."""
    data = {"inputs": tf.ones([3, 7], tf.int32), "inputs_mask": tf.sequence_mask([7, 4, 1])}
    found = decode(model, "translate", data, Asked(), longest=longest)
    assert found.ids[:, 0, 0].numpy().tolist() == wanted
    many = {"inputs": tf.ones([1, 900], tf.int32), "inputs_mask": tf.ones([1, 900], tf.bool)}
    assert decode(model, "translate", many, Asked()).ids[0, 0, 0] == 512


@pytest.mark.parametrize(
    "read, written, wanted, most",
    [
        ("subword", "bytes", [2 * 4 * 10 + 200, 2048], 2048),
        ("characters", "bytes", [2 * 10 + 200, 2000], 2048),
        ("bytes", "subword", [10 // 2 + 50, 500], 512),
    ],
)
def test_outputs_may_be_as_long_whatever_they_are_written_in(read, written, wanted, most):
    sides = PROBLEMS["translate"].inputs, PROBLEMS["translate"].targets
    inputs, targets = (
        dataclasses.replace(spec, units=units)
        for spec, units in zip(sides, (read, written), strict=True)
    )
    found = usual_limits(problem("any", inputs, targets, "to-any"), tf.constant([10, 900]))
    assert (found[0].numpy().tolist(), found[1]) == (wanted, most)


@pytest.mark.parametrize("method", [Greedy(), Beam(3), Sampling(hypotheses=2)], ids=str)
def test_what_did_not_end_is_called_cut(method):
    toy = Trigrams(seed=3)
    toy.table[:2, ..., EOS] = -np.inf  # two examples can never end
    toy.table[2:, ..., EOS] = 99.0
    found, _ = toy.search(method, limit=6)
    assert np.asarray(found.cut)[:, 0].tolist() == [True, True, False, False]


def test_one_graph_serves_all_shapes_and_can_be_saved(model, searches, tmp_path):
    search = searches[Beam]
    for length in (4, 7):
        search(
            {"inputs": tf.ones([2, length], tf.int32), "inputs_mask": tf.ones([2, length], tf.bool)}
        )
    assert search._graph.experimental_get_tracing_count() == 1

    class Served(tf.Module):
        def __init__(self):
            super().__init__()
            self.kept = [v.value for v in model.variables]

        @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)], autograph=False)
        def serve(self, ids):
            batch = {"inputs": ids, "inputs_mask": ids != PAD}
            return decode(model, "translate", batch, Beam(3), longest=20)._asdict()

    tf.saved_model.save(Served(), str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    found, wanted = loaded.serve(sources()["inputs"]), search(sources())
    np.testing.assert_array_equal(found["ids"], wanted.ids)
    np.testing.assert_array_equal(loaded.serve(sources()["inputs"])["ids"], wanted.ids)


def test_pictures_are_captioned(model):
    data = batch(PROBLEMS["caption"])
    found = Search(model, "caption", Beam(2), longest=6)(data)
    assert found.ids.shape[:2] == (2, 2) and np.isfinite(found.scores).all()
