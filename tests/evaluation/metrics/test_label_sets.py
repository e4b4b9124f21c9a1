"""Metrics of sets of labels against counts by hand."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.errors import UserError
from t2t_mm.evaluation.metrics.label_sets import average_precision
from t2t_mm.modalities.multi_label.spec import MultiLabel
from t2t_mm.registry import metric

# a is found once and missed once; b is found once, and once where it isn't; c is never answered.
WANTED = ["a; b", "a", "c", ""]
ANSWERED = ["a; b", "b", "", ""]
REFERENCES = [[line] for line in WANTED]
SPEC = MultiLabel(labels="abc", num_classes=3, names=("a", "b", "c"))


def test_f1_by_hand():
    micro = metric("micro_f1").score(ANSWERED, REFERENCES)
    assert micro.value == pytest.approx(100 * 2 * 2 / (2 * 2 + 2 + 1))
    assert micro.details == pytest.approx({"precision": 100 * 2 / 3, "recall": 50.0})
    macro = metric("macro_f1").score(ANSWERED, REFERENCES)
    assert macro.value == pytest.approx(100 * (2 / 3 + 2 / 3 + 0) / 3)
    assert macro.by_label["a"] == pytest.approx(
        {"examples": 2, "precision": 100.0, "recall": 50.0, "f1": 200 / 3}
    )
    assert list(macro.by_label) == ["a", "b", "c"]


def test_average_precision_by_hand():
    scores, once = np.array([0.9, 0.8, 0.7, 0.6]), np.ones(4)
    assert average_precision(np.array([1, 0, 1, 0]), scores, once) == pytest.approx((1 + 2 / 3) / 2)
    # two of equal score are one rank: precision 1/2 there, then 2/3
    tied = np.array([0.9, 0.9, 0.7, 0.6])
    expected = 0.5 * 0.5 + 0.5 * 2 / 3
    for wanted in ([1, 0, 1, 0], [0, 1, 1, 0]):
        assert average_precision(np.array(wanted), tied, once) == pytest.approx(expected)
    # twice in a resample is two examples, and never there is none
    times = average_precision(np.array([1, 0, 1, 0]), scores, np.array([2, 1, 0, 1]))
    assert times == pytest.approx(1.0)


def test_mean_average_precision_reads_probabilities():
    lines = ["a\ta=0.9; b=0.2", "\tb=0.1", "b\tb=0.8; a=0.1"]
    score = metric("mean_average_precision").score(lines, [["a"], ["b"], ["a"]], bootstrap=20)
    assert score.value == pytest.approx(100 * (1.0 + 1 / 3) / 2)
    assert score.interval[0] <= score.value <= score.interval[1]
    for line in ("a", "a\ta=high"):
        with pytest.raises(UserError, match="example 1 has none"):
            metric("mean_average_precision").score([line], [["a"]])


@pytest.mark.parametrize("name", ["micro_f1", "macro_f1"])
def test_predictions_are_measured_as_their_texts_are(name):
    random = np.random.default_rng(0)
    logits = random.normal(size=(12, 1, 3)).astype(np.float32)
    targets = (random.random((12, 1, 3)) < 0.4).astype(np.float32)
    mask = np.arange(12)[:, None] < 9
    sums = tf.stack(metric(name).sums(logits, targets, mask)).numpy()
    assert sums.size == metric(name).width(SPEC) and sums.dtype == np.float64
    texts = [SPEC.decode(row >= 0) for row in logits[:9]]
    references = [[SPEC.decode(row)] for row in targets[:9]]
    told = metric(name).score(texts, references).value
    assert metric(name).value(sums.ravel()) == pytest.approx(told)


def test_log_loss_of_an_even_guess():
    sums = metric("log_loss").sums(tf.zeros([2, 1, 3]), tf.ones([2, 1, 3]), [[True], [False]])
    assert metric("log_loss").value(np.array(sums)) == pytest.approx(np.log(2))
