"""CTC against all alignments written out, what it leaves out, and the answer read off it."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import registry
from t2t_mm.modalities import ctc

POSITIONS, PIECES = 4, 2
LOGITS = np.random.default_rng(0).normal(size=[1, POSITIONS, 1 + PIECES]).astype(np.float32)


def merged(path):
    """What a path of classes says: pieces, from 0."""
    return [each - 1 for each, _ in itertools.groupby(path) if each]


def by_hand(target, positions):
    """The negative log likelihood of a target, over all paths."""
    shares = tf.nn.softmax(LOGITS[0]).numpy()
    total = 0.0
    for path in itertools.product(range(1 + PIECES), repeat=positions):
        if merged(path) == list(target):
            total += np.prod(shares[np.arange(positions), path])
    return -np.log(total)


def batch(targets, positions):
    """(logits, valid, targets, mask) of targets and as many signals, padded with what is wrong."""
    longest = max(map(len, targets))
    mask = np.array([[i < len(target) for i in range(longest)] for target in targets])
    padded = np.array([[*target, *[1] * (longest - len(target))] for target in targets], np.int32)
    valid = np.arange(POSITIONS) < np.array(positions)[:, None]
    logits = np.where(valid[..., None], np.repeat(LOGITS, len(targets), axis=0), 99.0)
    return [tf.constant(each) for each in (logits.astype(np.float32), valid, padded, mask)]


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "xla"])
def test_the_loss_is_that_of_all_alignments(compiled):
    loss = tf.function(ctc.loss, jit_compile=True) if compiled else ctc.loss
    targets, positions = [[0], [0, 1], [1, 1]], [4, 3, 4]
    mean, left_out = loss(*batch(targets, positions))
    wanted = sum(map(by_hand, targets, positions)) / 5  # tokens
    assert float(mean) == pytest.approx(wanted, rel=1e-5) and left_out == 0


def test_a_signal_that_is_too_short_costs_nothing_and_is_counted():
    logits, valid, *target = batch([[0, 1], [1, 1], [0]], [2, 2, 0])  # 1 1 needs a blank between
    with tf.GradientTape() as tape:
        tape.watch(logits)
        mean, left_out = ctc.loss(logits, valid, *target)
    gradient = tape.gradient(mean, logits).numpy()
    assert left_out == 2 and float(mean) == pytest.approx(by_hand([0, 1], 2) / 5, rel=1e-5)
    assert np.isfinite(gradient).all() and not gradient[1:].any() and gradient[0, :2].any()


def test_the_answer_is_the_likeliest_path_without_blanks():
    paths = [[1, 1, 0, 1], [0, 2, 2, 1], [2, 1, 1, 1]]
    logits = tf.one_hot(paths, 1 + PIECES)
    valid = tf.constant([[True] * 4, [True] * 4, [True, False, False, False]])
    assert ctc.best(logits, valid).to_list() == [[0, 0], [1, 0], [1]]
    targets, mask = tf.constant([[0, 1], [1, 0], [1, 0]]), tf.constant([[1, 1], [1, 1], [1, 0]]) > 0
    rate = registry.metric("ctc_error_rate")
    edits, tokens = rate.sums(logits, targets, mask, valid)
    assert (edits, tokens) == (1, 5) and rate.value(np.array([edits, tokens])) == 20.0
    left_out = registry.metric("ctc_left_out").sums(logits, targets, mask, valid[:, :1])
    assert [float(each) for each in left_out] == [2, 3]
