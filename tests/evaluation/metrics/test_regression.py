"""Metrics of real numbers against values by hand."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.errors import UserError
from t2t_mm.evaluation.metrics.regression import ranks
from t2t_mm.modalities.real.spec import Real
from t2t_mm.registry import metric

FOUND = ["1", "2", "4", "3"]
WANTED = [["1"], ["3"], ["2"], ["8"]]


def score(name, found=FOUND, wanted=WANTED, **options):
    return metric(name).score(found, wanted, **options)


def test_figures_by_hand():
    assert score("rmse").value == pytest.approx(np.sqrt((0 + 1 + 4 + 25) / 4))
    assert score("mae").value == pytest.approx((0 + 1 + 2 + 5) / 4)
    pearson = np.corrcoef([1, 2, 4, 3], [1, 3, 2, 8])[0, 1]
    assert score("pearson").value == pytest.approx(pearson)
    assert score("spearman").value == pytest.approx(1 - 6 * (0 + 1 + 4 + 1) / (4 * 15))
    for name in ("rmse", "mae", "pearson", "spearman"):
        low, high = score(name, bootstrap=50).interval
        assert low <= score(name).value <= high


def test_equal_values_share_a_rank():
    assert ranks(np.array([5.0, 1.0, 5.0, 9.0])).tolist() == [2.5, 1.0, 2.5, 4.0]


def test_of_several_values_the_mean_is_told():
    found, wanted = ["1 5", "2 3", "3 1"], [["1 1"], ["2 2"], ["3 3"]]
    assert score("mae", found, wanted).value == pytest.approx((4 + 1 + 2) / 6)
    for name in ("pearson", "spearman"):
        assert score(name, found, wanted).value == pytest.approx((1 - 1) / 2, abs=1e-12)


def test_what_never_changes_has_no_correlation():
    for name in ("pearson", "spearman"):
        assert score(name, ["2", "2"], [["1"], ["3"]]).value == 0.0


def test_far_from_zero_nothing_is_lost():
    found, wanted = ["1700000000.1", "1700000000.2", "1700000000.4"], [["1"], ["2"], ["4"]]
    assert score("pearson", found, wanted).value == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize(
    "found, wanted, message",
    [
        (["1", ""], [["1"], ["2"]], "hypothesis 2 is ''"),
        (["1"], [["nan"]], "reference 1 is 'nan'"),
        (["x"], [["1"]], "hypothesis 1 is 'x', where finite numbers are expected"),
        (["1", "1 2"], [["1"], ["2"]], "Example 2 has 2 numbers where the first reference has 1"),
    ],
)
def test_what_is_no_number_is_named(found, wanted, message):
    with pytest.raises(UserError, match=message):
        score("rmse", found, wanted)


@pytest.mark.parametrize("name", ["rmse", "mae", "pearson"])
def test_predictions_are_measured_as_their_texts_are(name):
    spec = Real(quantity="a", size=2, mean=(5.0, 0.0), deviation=(3.0, 1.0))
    logits, targets = np.random.default_rng(0).normal(size=(2, 9, 1, 2)).astype(np.float32)
    mask = np.arange(9)[:, None] < 6
    sums = tf.stack(metric(name).sums(*spec.measured(logits, targets), mask)).numpy()
    assert sums.size == metric(name).width(spec) and sums.dtype == np.float64
    texts, references = ([spec.decode(row) for row in rows[:6]] for rows in (logits, targets))
    told = score(name, texts, [[each] for each in references]).value
    assert metric(name).value(sums.ravel()) == pytest.approx(told, rel=1e-4)
