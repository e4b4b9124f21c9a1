"""Batching: every example once, equal cost, no example lost unseen, masks, static shapes, seeds."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.data.pipeline import batching
from t2t_mm.data.pipeline.cost import boundaries
from t2t_mm.data.pipeline.summary import describe
from t2t_mm.errors import UserError
from t2t_mm.modalities.audio.spec import Audio
from t2t_mm.modalities.base import Modality
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.image.spec import Image
from t2t_mm.problem.base import Problem

HPARAMS = HParams(batch_size=64, max_input_length=40, max_target_length=30)


@dataclasses.dataclass(frozen=True)
class Numbers(Modality):
    """Stands in for language: the raw value n is encoded as n + 1 times the id n + 3, padding's id
    0 among them."""

    as_target = is_sequence = True
    reading_cost = 1
    rank = 0

    def encode(self, value, training=False, seed=None):
        return tf.concat([[0], tf.repeat(tf.cast(value, tf.int32) + 3, value)], axis=0)


class Toy(Problem):
    """(input, target) raw values in memory."""

    name = "toy"

    def __init__(self, inputs, targets, examples):
        self.inputs, self.targets = inputs, targets
        self.raw = {"inputs": [i for i, _ in examples], "targets": [t for _, t in examples]}

    def splits(self):
        return {"train": len(self.raw["inputs"])}

    def examples(self, split, *, shuffle_seed=None, sides=("inputs", "targets")):
        found = {}
        for key in sides:
            values = self.raw[key]
            ragged = np.ndim(values[0]) > 0 and isinstance(getattr(self, key), Audio)
            found[key] = (
                tf.ragged.constant(values, dtype=tf.int16)
                if ragged
                else tf.constant(np.array(values))
            )
        data = tf.data.Dataset.from_tensor_slices(found)
        to_dense = lambda value: value.to_tensor() if isinstance(value, tf.RaggedTensor) else value  # noqa: E731
        return data.map(lambda example: tf.nest.map_structure(to_dense, example))


def text_problem(n=200, longest=60, seed=0):
    random = np.random.default_rng(seed)
    return Toy(Numbers(), Numbers(), [tuple(pair) for pair in random.integers(0, longest, (n, 2))])


def speech_problem(n=30):
    random = np.random.default_rng(0)
    sounds = [
        (
            random.integers(-999, 999, 160 * 8 * random.integers(1, 30)).tolist(),
            int(random.integers(1, 20)),
        )
        for _ in range(n)
    ]
    return Toy(Audio(bins=20), Numbers(), sounds)


def image_problem(targets, n=10):
    random = np.random.default_rng(0)
    return Toy(
        Image(size=32),
        targets,
        [(random.integers(0, 255, (40, 48, 3), np.uint8), i) for i in range(n)],
    )


def take(data, n):
    return list(data.take(n).as_numpy_iterator())


def test_boundaries_grow_by_the_given_ratio_and_at_least_one():
    edges = boundaries(HPARAMS, 100)
    assert edges[0] == 4 and edges[-2] < 100 <= edges[-1]
    assert all(b == max(a + 1, int(1.1 * a)) for a, b in zip(edges, edges[1:], strict=False))


def test_evaluation_gives_every_example_exactly_once_whatever_its_length():
    problem = text_problem()
    seen = []
    for batch in batching.batches(problem, "train", HPARAMS, training=False):
        for i in range(len(batch["inputs"])):
            pair = [batch[side][i][batch[side + "_mask"][i]] for side in ("inputs", "targets")]
            seen.append(tuple(len(ids) - 1 for ids in pair))
            for ids in pair:  # masks cover real positions, the id 0 among them, and nothing else
                np.testing.assert_array_equal(ids, [0] + [len(ids) + 2] * (len(ids) - 1))
    assert sorted(seen) == sorted(zip(problem.raw["inputs"], problem.raw["targets"], strict=True))


@pytest.mark.parametrize("training", [True, False])
def test_a_batch_costs_no_more_than_batch_size(training):
    fullest = 0
    for batch in take(batching.batches(text_problem(), "train", HPARAMS, training=training), 50):
        examples, length = batch["targets"].shape
        worth = examples * max(length, -(-batch["inputs"].shape[1] // 2))
        assert worth <= HPARAMS.batch_size or examples == 1
        fullest = max(fullest, worth)
        # padding is less than the growth between boundaries, on the side that decides
        assert batch["targets_mask"].sum(1).min() > 0
    assert fullest > 0.8 * HPARAMS.batch_size


def test_training_goes_on_for_ever_and_leaves_out_only_what_is_too_long():
    problem = text_problem(n=50)
    lengths = set()
    for batch in take(batching.batches(problem, "train", HPARAMS, training=True), 200):
        lengths |= set(
            zip(batch["inputs_mask"].sum(1) - 1, batch["targets_mask"].sum(1) - 1, strict=True)
        )
    expected = {
        (i, t)
        for i, t in zip(problem.raw["inputs"], problem.raw["targets"], strict=True)
        if i < 40 and t < 30
    }
    assert lengths == expected
    summary = describe(problem, HPARAMS)
    kept = sum(
        i < 40 and t < 30
        for i, t in zip(problem.raw["inputs"], problem.raw["targets"], strict=True)
    )
    assert (summary.scanned, summary.dropped) == (50, 50 - kept)


def test_the_seed_decides_the_order():
    def first(seed):
        batches = take(
            batching.batches(text_problem(), "train", HPARAMS, training=True, seed=seed), 20
        )
        return [batch["targets"].tolist() for batch in batches]

    assert first(3) == first(3) != first(4)


def test_static_shapes_depend_on_the_bucket_alone():
    problem, shapes = text_problem(), {}
    for batch in take(
        batching.batches(problem, "train", HPARAMS, training=True, static_shapes=True), 300
    ):
        shapes.setdefault((batch["inputs"].shape, batch["targets"].shape), 0)
        positions, length = batch["inputs"].shape[1], batch["targets"].shape[1]
        assert (
            positions in (length, 2 * length)
            and batch["inputs_mask"].shape == batch["inputs"].shape
        )
        assert len(batch["targets"]) == max(1, HPARAMS.batch_size // length)
    edges = boundaries(HPARAMS, 30)
    assert 3 < len(shapes) <= 2 * len(edges) and {length for _, (_, length) in shapes} <= set(edges)


def test_static_shapes_of_an_evaluation_have_rows_of_padding_and_every_example_once():
    problem, shapes, lengths = text_problem(), set(), []
    for batch in batching.batches(
        problem, "validation", HPARAMS, training=False, static_shapes=True
    ):
        length = batch["targets"].shape[1]
        assert batch["targets"].shape[0] == max(1, HPARAMS.batch_size // length)
        shapes.add((batch["inputs"].shape, batch["targets"].shape))
        real = batch["targets_mask"].numpy().sum(1)
        assert (batch["inputs_mask"].numpy().any(1) == (real > 0)).all()
        lengths += real[real > 0].tolist()
    wanted = [
        n
        for batch in batching.batches(problem, "validation", HPARAMS, training=False)
        for n in batch["targets_mask"].numpy().sum(1).tolist()
    ]
    assert sorted(lengths) == sorted(wanted) and len(shapes) <= 2 * len(boundaries(HPARAMS, 30))


def test_sound():
    problem = speech_problem()
    for batch in take(batching.batches(problem, "train", HPARAMS, training=True), 20):
        assert (
            batch["inputs"].shape[2:] == (20, 1)
            and batch["inputs_mask"].shape == batch["inputs"].shape[:2]
        )
        assert batch["inputs_mask"].any(1).all() and batch["targets"].dtype == np.int32
        positions = -(-batch["inputs"].shape[1] // 8)
        worth = len(batch["inputs"]) * max(batch["targets"].shape[1], -(-positions // 2))
        assert worth <= HPARAMS.batch_size or len(batch["inputs"]) == 1
    (static,) = take(
        batching.batches(problem, "train", HPARAMS, training=True, static_shapes=True), 1
    )
    length = static["targets"].shape[1]
    assert static["inputs"].shape[1] in (8 * length, 16 * length)


def test_a_class_costs_twice_the_positions_of_its_picture():
    problem = image_problem(Categorical(labels="ten", num_classes=10))
    (batch,) = take(batching.batches(problem, "train", HPARAMS, training=True), 1)
    assert batch["inputs"].shape == (8, 32, 32, 3)  # 64 / (twice 2 x 2 positions)
    assert (
        batch["targets"].shape == batch["targets_mask"].shape == (8, 1)
        and "inputs_mask" not in batch
    )
    smaller = HPARAMS.replace(image_size=16)
    (batch,) = take(
        batching.batches(problem, "train", smaller, training=True, static_shapes=True), 1
    )
    assert batch["inputs"].shape == (16, 16, 16, 3)  # one position, but the first boundary is 4
    assert describe(problem, HPARAMS).batch_examples == (8, 8)


def test_a_caption_costs_the_longer_of_caption_and_twice_a_picture():
    batches = take(
        batching.batches(image_problem(Numbers()), "train", HPARAMS, training=False), 100
    )
    assert sum(len(batch["inputs"]) for batch in batches) == 10
    assert all(batch["inputs"].shape[1:] == (32, 32, 3) for batch in batches)


def test_describe_counts_what_batches_gives():
    problem = text_problem(n=400, longest=25)
    summary = describe(problem, HPARAMS)
    batches = take(batching.batches(problem, "train", HPARAMS, training=True), 400)
    sizes = [len(batch["targets"]) for batch in batches]
    tokens = np.mean([batch["targets_mask"].sum() for batch in batches])
    assert summary.batch_examples == (min(sizes), max(sizes)) and summary.dropped == 0
    assert abs(summary.batch_tokens / tokens - 1) < 0.1


def test_nothing_that_fits_is_an_error():
    with pytest.raises(UserError, match="toy: each of 20 training examples is too long"):
        describe(text_problem(n=20), HPARAMS.replace(max_target_length=1, max_input_length=1))


@dataclasses.dataclass(frozen=True)
class Dots(Numbers):
    """A text as so many ids as it has characters."""

    def encode(self, value, training=False, seed=None):
        return tf.ones([tf.strings.length(value)], tf.int32)


def test_a_number_is_the_place_of_an_example_one_for_all_its_targets():
    problem = Toy(Numbers(), Dots(), [(9, ["a", "bb"]), (1, ["ccc", "d"]), (4, ["ee", "ff"])])
    found = {}
    for batch in batching.batches(problem, "train", HPARAMS, training=False, numbered=True):
        lengths = batch["targets_mask"].numpy().sum(axis=1)
        for number, length in zip(batch["number"].numpy(), lengths, strict=True):
            found.setdefault(int(number), []).append(int(length))
    assert {number: sorted(each) for number, each in found.items()} == {
        0: [1, 2],
        1: [1, 3],
        2: [2, 2],
    }


@pytest.mark.parametrize("training", [False, True])
def test_nothing_is_tuned(training):
    """Whoever frees an iterator would wait for the thread that tunes, for up to a minute."""
    data = batching.batches(text_problem(), "train", HPARAMS, training=training)
    assert data.options().autotune.enabled is False
