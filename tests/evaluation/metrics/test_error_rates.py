import jiwer
import pytest

from t2t_mm.errors import UserError
from t2t_mm.evaluation.metrics.normalization import plain
from t2t_mm.registry import metric


def score(name, *pairs):
    return metric(name).score(
        [hypothesis for hypothesis, _ in pairs], [[reference] for _, reference in pairs]
    )


@pytest.mark.parametrize(
    "text, expected",
    [
        ("  The\tCat,\u00a0sat. ", "the cat sat"),
        ("Don't -- twenty-one!", "dont twentyone"),
        ("«Été» – ÄRGER…", "été ärger"),
        ("„3,5 €“", "3,5 €"),
        ("About 3.5%, or 1/2; at 10:30.", "about 3.5% or 1/2 at 10:30"),
        ("Up 3 % (3.) -- e.g. 1,000.", "up 3 % 3 eg 1,000"),
        ("?!", ""),
    ],
)
def test_plain(text, expected):
    assert plain(text) == expected


def test_wer_by_hand():
    found = score(
        "wer",
        ("the bat sat on mat", "The cat sat on the mat."),
        ("hello you there", "Hello there!"),
    )
    assert found.details == {
        "substitutions": 1,
        "deletions": 1,
        "insertions": 1,
        "reference_length": 8,
    }
    assert found.value == pytest.approx(100 * 3 / 8)
    assert not found.higher_is_better
    assert found.signature.startswith(
        "case:lower|punctuation:removed|numbers:kept|space:collapsed|jiwer:"
    )


@pytest.mark.parametrize("heard", ["35%", "3.5", "35", "3 5%"])
def test_another_number_is_another_word(heard):
    assert score("wer", (f"up by {heard} today", "Up by 3.5% today.")).value >= 25
    assert score("wer", ("up by 3.5% today", "Up by 3.5% today.")).value == 0


def test_cer_by_hand():
    found = score("cer", ("a cat", "A bat."), ("abc", "ab c"))
    assert found.details == {
        "substitutions": 1,
        "deletions": 1,
        "insertions": 0,
        "reference_length": 9,
    }
    assert found.value == pytest.approx(100 * 2 / 9)


@pytest.mark.parametrize("name, rate", [("wer", jiwer.wer), ("cer", jiwer.cer)])
def test_a_corpus_is_not_the_mean_of_its_sentences(name, rate):
    pairs = [
        ("one two", "one too two"),
        ("", "nothing heard"),
        ("three four five six", "three four"),
        ("x y", "y x"),
    ]
    hypotheses, references = zip(*pairs, strict=True)
    assert score(name, *pairs).value == pytest.approx(
        100 * rate(list(references), list(hypotheses))
    )


def test_silence():
    """A reference without a word adds nothing to the length, and what was heard in it is
    inserted."""
    assert score("wer", ("one two", "..."), ("", "?"), ("three", "three")).value == 200
    assert score("cer", ("ab", "..."), ("abcd", "abcd")).value == 50
    with pytest.raises(UserError, match="No reference holds a word after normalisation"):
        score("wer", ("one", "..."))


def test_one_reference_only():
    with pytest.raises(UserError, match="wer takes one reference per example, but example 2 has 2"):
        metric("wer").score(["a", "b"], [["a"], ["b", "c"]])
