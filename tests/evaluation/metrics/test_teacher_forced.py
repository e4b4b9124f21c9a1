"""Teacher-forced metrics against counts by hand."""

import math
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import registry
from t2t_mm.registry import metric

METRICS = [entry.name for entry in registry.entries("metric") if hasattr(entry.value, "sums")]
OF_TOKENS = ["log_perplexity", "accuracy", "accuracy_top5", "accuracy_per_sequence"]

# Three rows of three positions, the last row all padding; the second row's last position is
# padding.
MASK = tf.constant([[True, True, True], [True, True, False], [False, False, False]])
TARGETS = tf.constant([[1, 2, 3], [4, 5, 0], [0, 0, 0]])
BEST = [[1, 2, 3], [4, 0, 7], [0, 0, 0]]  # position (1, 1) is wrong, so is padding at (1, 2)


def logits(best, strength=4.0):
    return strength * tf.one_hot(best, 8)


def test_accuracy_counts_real_positions():
    right, count = metric("accuracy").sums(logits(BEST), TARGETS, MASK)
    assert (right, count) == (4, 5)


def test_accuracy_per_sequence_counts_rows_that_are_all_right():
    right, count = metric("accuracy_per_sequence").sums(logits(BEST), TARGETS, MASK)
    assert (right, count) == (1, 2)


def test_log_perplexity_of_an_even_guess_is_the_log_of_the_classes():
    nats, count = metric("log_perplexity").sums(tf.zeros([3, 3, 8]), TARGETS, MASK)
    assert float(nats / count) == pytest.approx(math.log(8))


def test_accuracy_top5():
    falling = tf.constant([[[8.0, 7, 6, 5, 4, 3, 2, 1]]] * 8)
    targets, mask = tf.range(8)[:, None], tf.ones([8, 1], tf.bool)
    assert [float(x) for x in metric("accuracy_top5").sums(falling, targets, mask)] == [5, 8]
    two_classes = falling[..., :2], tf.zeros([8, 1], tf.int32), mask
    assert [float(x) for x in metric("accuracy_top5").sums(*two_classes)] == [8, 8]


@pytest.mark.parametrize("name", OF_TOKENS)
def test_padding_never_counts_and_sums_add_up(name):
    sums = metric(name).sums
    random = np.random.default_rng(0)
    scores, targets = (
        tf.constant(random.normal(size=(4, 6, 8))),
        tf.constant(random.integers(0, 8, (4, 6)), tf.int32),
    )
    mask = tf.sequence_mask([6, 3, 1, 4])
    whole = tf.stack(sums(scores, targets, mask))
    assert whole.dtype == tf.float64
    noise = tf.constant(random.normal(size=(4, 3, 8)) * 100)
    padded = sums(
        tf.concat([scores, noise], 1),
        tf.pad(targets, [[0, 0], [0, 3]]),
        tf.pad(mask, [[0, 0], [0, 3]]),
    )
    np.testing.assert_allclose(padded, whole, rtol=1e-6)
    parts = [tf.stack(sums(scores[i:j], targets[i:j], mask[i:j])) for i, j in ((0, 1), (1, 4))]
    np.testing.assert_allclose(parts[0] + parts[1], whole, rtol=1e-6)


def test_sums_stay_exact_over_many_tokens():
    """In float32, 2^24 + 1 is lost."""
    mask = tf.ones([1, 2**24 + 1], tf.bool)
    targets = tf.zeros([1, 2**24 + 1], tf.int32)
    right, count = metric("accuracy").sums(tf.zeros([1, 2**24 + 1, 1]), targets, mask)
    assert right == count == 2**24 + 1


@pytest.mark.parametrize("kind", registry.list_modalities())
def test_targets_name_metrics_that_there_are(kind):
    modality = registry.modality(kind)
    assert set(modality.teacher_forced) <= set(METRICS)
    assert bool(modality.teacher_forced) == modality.as_target


def test_the_figure_that_is_shown_is_a_percentage():
    right, count = metric("accuracy").sums(logits(BEST), TARGETS, MASK)
    assert metric("accuracy").value([right, count]) == 80.0


def test_metrics_are_light_before_a_batch_is_measured():
    script = (
        "import sys; from t2t_mm import registry; registry.list_metrics()\n"
        "print({'tensorflow', 'keras', 'sacrebleu', 'jiwer'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "set()\n", done.stderr
