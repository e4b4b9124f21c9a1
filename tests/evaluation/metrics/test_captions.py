"""CIDEr-D against sums by hand and against coco-caption's own code; ROUGE-L by hand."""

import math

import pytest

from t2t_mm.registry import metric


def cider(hypotheses, references):
    return metric("cider").score(hypotheses, references).value


@pytest.mark.parametrize(
    "first, similarity",
    [
        ("a b", (1 + 1) / 4),  # alike in n-grams of one word and of two; there are no longer ones
        ("A b!", (1 + 1) / 4),
        ("a x", (1 / 2) / 4),
        ("b a", 1 / 4),
        ("a", math.exp(-1 / 72) * math.sqrt(1 / 2) / 4),  # one word short
        (
            "a a b",
            math.exp(-1 / 72) * ((1 + 1) / math.sqrt(5 * 2) + 1 / math.sqrt(2)) / 4,
        ),  # "a" counts once
        ("x y", 0),
        ("", 0),
    ],
)
def test_by_hand(first, similarity):
    """Each n-gram of the references is in one of two, so all weights are log 2, and cancel."""
    assert cider([first, "x y"], [["a b"], ["c d"]]) == pytest.approx(10 * (similarity + 0) / 2)


def test_weights_by_hand():
    """ "a" is in both examples and weighs nothing; "b" weighs log 2, as do both bigrams."""
    assert cider(["a x", "a c"], [["a b"], ["a c"]]) == pytest.approx(10 * (0 + (1 + 1) / 4) / 2)


def test_several_references_are_averaged_and_count_once_in_frequencies():
    assert cider(["a b", "c d"], [["a b", "x y"], ["c d"]]) == pytest.approx(
        10 * ((0.5 + 0) / 2 + 0.5) / 2
    )
    assert cider(["a b", "c d"], [["a b", "a b"], ["c d"]]) == pytest.approx(5)


def test_one_example_alone_is_0():
    assert cider(["a b"], [["a b"]]) == 0


def test_cocos_own_code_gives_the_same():
    """The value is that of pycocoevalcap 1.2 (n=4, sigma=6) on these texts without their
    punctuation."""
    hypotheses = [
        "A red square is left of a blue circle.",
        "two dogs run on the beach",
        "a man rides a horse a man",
    ]
    references = [
        ["a red square stands left of a blue circle", "The blue circle is right of a red square."],
        [
            "dogs run along the beach",
            "two dogs are running on a sandy beach",
            "two brown dogs run on the beach!",
        ],
        ["a man is riding a horse", "a man rides a brown horse in a field"],
    ]
    assert cider(hypotheses, references) == pytest.approx(3.9186606130126513, rel=1e-12)
    rows = metric("cider").counts(hypotheses, references)
    each = [5.0512503725883215, 4.022996361512872, 2.6817351049367604]
    assert [10 * value for value, _ in rows] == pytest.approx(each, rel=1e-12)


@pytest.mark.parametrize(
    "hypothesis, references, expected",
    [
        ("police killed the gunman", ["police kill the gunman"], 3 / 4),  # Lin 2004, page 3
        ("police the gunman kill", ["police kill the gunman"], 3 / 4),
        ("the gunman kill police", ["police kill the gunman"], 2 / 4),
        ("Police killed the gunman!", ["nobody", "police killed the gunman"], 1),
        ("a b", ["a c d"], 2 * (1 / 2) * (1 / 3) / (1 / 2 + 1 / 3)),
        ("", ["a"], 0),
        ("a", [""], 0),
    ],
)
def test_rouge_l(hypothesis, references, expected):
    assert metric("rouge_l").score([hypothesis], [references]).value == pytest.approx(
        100 * expected
    )
