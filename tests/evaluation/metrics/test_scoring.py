"""What holds for every metric of decoded text, and how one is added."""

import subprocess
import sys

import numpy as np
import pytest

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.evaluation.metrics.scoring import (
    Metric,
    metric_of_text,
    metrics_of_text,
    ratio,
)
from t2t_mm.registry import metric

METRICS = metrics_of_text()

TREES = [
    "(S (NP (NN dogs)) (VP (VBP bark)))",
    "(S (NP (DT the) (NN cat)) (VP (VBZ sleeps)))",
    "(FRAG (NN x) (NN y))",
]
SETS = ["red; ring\tred=1; ring=1", "blue\tblue=1", "blue; star\tblue=1; star=1"]
NUMBERS = ["1 2", "3 5", "6 4"]
TEXTS = ["dogs often bark at night", "the cat sleeps all day long", "x or y or both of them"]


OF_NUMBERS = ("rmse", "mae", "pearson", "spearman")
OF_A_KIND = {
    "bracket_f1": (TREES, "(S (NN cow))"),
    **dict.fromkeys(("micro_f1", "macro_f1", "mean_average_precision"), (SETS, "zzz\tzzz=1")),
    **dict.fromkeys(OF_NUMBERS, (NUMBERS, "9 9")),
}


def data(name, right=3):
    """Three examples of which the first `right` are right."""
    texts, wrong = OF_A_KIND.get(name, (TEXTS, "zzz"))
    return [text if i < right else wrong for i, text in enumerate(texts)], [
        [text] for text in texts
    ]


def test_there_are_all_that_problems_name():
    named = {
        name for problem in registry.list_problems() for name in registry.problem(problem).metrics
    }
    assert named <= set(METRICS)
    assert {
        "bleu",
        "chrf",
        "wer",
        "cer",
        "bracket_f1",
        "cider",
        "rouge_l",
        "exact_match",
        "accuracy",
        *OF_A_KIND,
    } == set(METRICS)


def test_accuracy_looks_at_the_class_alone():
    assert metric("accuracy").score(["cat\t0.9312", "dog"], [["cat"], ["cat"]]).value == 50.0


@pytest.mark.parametrize("name", METRICS)
def test_all_right_is_best_and_worse_is_worse(name):
    best, worse = (metric(name).score(*data(name, right)) for right in (3, 1))
    assert best.name == name
    assert best.value == pytest.approx(best.scale if best.higher_is_better else 0)
    assert worse.value < best.value if worse.higher_is_better else worse.value > best.value
    assert best.signature and type(best.value) is float


@pytest.mark.parametrize("name", METRICS)
def test_interval(name):
    hypotheses, references = (side * 10 for side in data(name, 2))
    ours = metric(name).score(hypotheses, references, bootstrap=50, seed=1)
    low, high = ours.interval
    assert low <= ours.value <= high and low < high
    assert metric(name).score(hypotheses, references, bootstrap=50, seed=1) == ours
    assert metric(name).score(hypotheses, references).interval is None


COMPOSED, DECOMPOSED = "caf\u00e9 \u00e0 la cr\u00e8me", "cafe\u0301 a\u0300 la cre\u0300me"


@pytest.mark.parametrize("name", [name for name in METRICS if name not in OF_NUMBERS])
def test_a_letter_is_the_same_however_its_accent_is_written(name):
    forms = {"bracket_f1": "(S (NN {}) (NN x))", "mean_average_precision": "{0}\t{0}=1"}
    written = forms.get(name, "{} and one more")
    composed, decomposed = (
        written.format(each.split()[0] if name == "bracket_f1" else each)
        for each in (COMPOSED, DECOMPOSED)
    )
    other = data(name)[0][0]  # CIDEr of one example is 0
    same = metric(name).score([composed, other], [[composed], [other]])
    found = metric(name).score([decomposed, other], [[composed], [other]])
    assert found.value == same.value and found.details == same.details
    assert "unicode" not in same.signature and found.signature == f"{same.signature}|unicode:nfc"
    assert metric(name).score([composed, other], [[decomposed], [other]]).value == same.value


def test_what_stands_beside_a_figure_is_shown_with_it():
    score = metric("bracket_f1").score(TREES, [[tree] for tree in TREES])
    assert score.figures() == {"bracket_f1": 100, "bracket_f1_valid": 3, "bracket_f1_invalid": 0}
    assert metric("bleu").score(TEXTS, [[text] for text in TEXTS]).figures().keys() == {"bleu"}


def test_interval_of_a_share_is_that_of_the_binomial():
    """Of 400 examples half are right: 50% with a standard error of 2.5%."""
    low, high = (
        metric("exact_match")
        .score(["a"] * 200 + ["b"] * 200, [["a"]] * 400, bootstrap=4000)
        .interval
    )
    np.testing.assert_allclose([low, high], [50 - 1.96 * 2.5, 50 + 1.96 * 2.5], atol=0.3)


@pytest.mark.parametrize(
    "hypotheses, references, message",
    [
        (["a"], [["a"], ["b"]], "1 hypotheses but 2 references"),
        ([], [], "nothing to score with bleu"),
        (["a", "b"], [["a"], []], "Example 2 has no reference"),
    ],
)
def test_what_can_not_be_scored(hypotheses, references, message):
    with pytest.raises(UserError, match=message):
        metric("bleu").score(hypotheses, references)


def test_a_metric_of_predictions_scores_no_text():
    assert set(registry.list_metrics()) - set(METRICS) == {
        "log_perplexity",
        "perplexity",
        "perplexity_per_word",
        "perplexity_per_character",
        "log_loss",
        "accuracy_top5",
        "accuracy_per_sequence",
        "ctc_error_rate",
        "ctc_left_out",
    }
    with pytest.raises(
        UserError, match="accuracy_top5 is measured .* metrics of text are accuracy"
    ):
        metric_of_text("accuracy_top5")


def test_every_metric_has_a_direction_and_a_unit():
    every = {name: registry.metric(name) for name in registry.list_metrics()}
    assert {name for name, each in every.items() if not each.higher_is_better} == {
        "log_perplexity",
        "perplexity",
        "perplexity_per_word",
        "perplexity_per_character",
        "log_loss",
        "ctc_error_rate",
        "ctc_left_out",
        "wer",
        "cer",
        "rmse",
        "mae",
    }
    assert {name for name, each in every.items() if each.unit != "%"} == {
        "log_perplexity",
        "perplexity",
        "perplexity_per_word",
        "perplexity_per_character",
        "log_loss",
        "cider",
        "rmse",
        "mae",
        "pearson",
        "spearman",
    }
    assert all((each.scale == 100) == (each.unit == "%") for each in every.values())


def test_a_metric_of_ones_own(apart):
    @registry.register_metric
    class Length(Metric):
        scale, unit = 1, ""

        def counts(self, hypotheses, references):
            return [[len(hypothesis.split()), 1] for hypothesis in hypotheses]

        def value(self, sums):
            return ratio(*sums)

    score = metric_of_text("length").score(["a b", "a b c"], [["x"], ["y"]])
    assert (score.name, score.value, score.unit) == ("length", 2.5, "")
    with pytest.raises(registry.RegistryError, match="'bleu' is registered twice"):
        registry.register_metric("bleu")(Length)


def test_scoring_needs_no_tensorflow():
    script = (
        "import sys\n"
        "from t2t_mm.evaluation.metrics import scoring\n"
        "for name in scoring.metrics_of_text():\n"
        "    line = '(S (NN x))' if name == 'bracket_f1' else '1 2\\t1 2=1.0'\n"
        "    scoring.metric_of_text(name).score([line], [[line]])\n"
        "print({'tensorflow', 'keras', 'torch', 'jax'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "set()\n", done.stderr
