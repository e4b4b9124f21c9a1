"""Curves of several runs, as PNG and SVG."""

import math

import pytest

from t2t_mm.errors import UserError
from t2t_mm.reporting.comparison import Comparison, read
from t2t_mm.reporting.curves import curves, draw
from tests.evaluated import evaluated


@pytest.fixture
def both(tmp_path):
    losses = {10: 3.0, 20: math.nan, 30: 1.0}
    evaluated(tmp_path / "a", losses, metrics={"accuracy": 25.0}, names=("toy_copy", "toy_first"))
    evaluated(tmp_path / "cost_$5", {10: 2.0})
    paths = [str(tmp_path / "a"), str(tmp_path / "cost_$5")]
    return Comparison(read(paths, "validation"), "validation")


def test_a_curve_has_all_evaluations_of_a_run_and_a_gap_where_they_are_not_finite(both):
    found = curves(both, "toy_copy", "log_perplexity")
    assert found[0][0] == [10, 20, 30] and math.isnan(found[0][1][1])
    assert found[1] == ([10], [2.0])
    assert list(curves(both, "toy_first", "accuracy")) == [0]


def test_a_panel_for_each_metric_of_each_problem_and_a_legend_for_all(both):
    text = draw(both, "svg").decode()
    assert text.count(">toy_copy<") == text.count(">toy_first<") == 2  # metrics
    assert text.count(">accuracy %<") == text.count(">log_perplexity<") == 2  # problems
    assert text.count(">a<") == text.count(">cost_$5<") == 1
    assert draw(both).startswith(b"\x89PNG")


def test_without_evaluations_there_is_nothing_to_draw(tmp_path):
    runs = read([str(evaluated(tmp_path, {}))], "validation")
    with pytest.raises(UserError, match="nothing to draw"):
        draw(Comparison(runs, "validation"))


def test_more_panels_than_fit_are_refused(tmp_path):
    metrics = {f"metric_{number}": 1.0 for number in range(61)}
    runs = read([str(evaluated(tmp_path, {1: 1.0}, metrics=metrics))], "validation")
    with pytest.raises(UserError, match="1 problems and 62 metrics .* --metrics"):
        draw(Comparison(runs, "validation"))
