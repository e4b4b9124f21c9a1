"""Brackets against EVALB's own sample and results, and against counts by hand."""

import pytest

from t2t_mm.errors import UserError
from t2t_mm.registry import metric

GOLD = "(S (A (P this)) (B (Q is) (A (R a) (T test))))"
LONG = "(S" + " (A (P this)) (B (Q is) (A (R a) (T test)))" * 11 + ")"
TRACE, COLON = GOLD[:-1] + " (-NONE- *))", GOLD[:-1] + " (: *))"
ERROR, SKIP = "error", "skip"
# EVALB's sample: what was parsed, and its line in sample.rsl: brackets matched, in gold and in
# test; right tags and words. Its parameter file takes T for TT and This for this, which COLLINS.prm
# does not: here they are spelt alike.
SAMPLE = [
    (GOLD, GOLD, (4, 4, 4, 4, 4)),
    (GOLD, "(S (A (P this)) (B (Q is) (C (R a) (T test))))", (3, 4, 4, 4, 4)),
    (GOLD, "(S (A (P this)) (B (Q is) (A (R a) (U test))))", (4, 4, 4, 3, 4)),
    (GOLD, "(S (C (P this)) (B (Q is) (A (R a) (U test))))", (3, 4, 4, 3, 4)),
    (GOLD, "(S (A (P this)) (B (Q is) (R a) (A (T test))))", (3, 4, 4, 4, 4)),
    (GOLD, "(S (A (P this) (Q is)) (A (R a) (T test)))", (2, 4, 3, 4, 4)),
    (GOLD, "(S (P this) (Q is) (R a) (T test))", (1, 4, 1, 4, 4)),
    (GOLD, "(P this) (Q is) (R a) (T test)", (0, 4, 0, 4, 4)),
    (GOLD, "(S (A (P this)) (B (Q is) (A (A (R a) (T test)))))", (4, 4, 5, 4, 4)),
    (GOLD, "(S (A (P this)) (B (Q is) (A (A (A (A (A (R a) (T test))))))))", (4, 4, 8, 4, 4)),
    (GOLD, "", SKIP),
    (GOLD, "(S (A (P this)) (B (Q was) (A (A (R a) (T test)))))", ERROR),
    (GOLD, "(S (A (P this)) (B (Q is) (U not) (A (A (R a) (T test)))))", ERROR),
    (GOLD, "", SKIP),
    (GOLD, f"(TOP {GOLD})", (4, 4, 4, 4, 4)),
    (GOLD, "(S (A (P this)) (NONE *) (B (Q is) (A (R a) (T test))))", ERROR),
    (GOLD, "(S (A (P this)) (S (NONE abc) (A (NONE *))) (B (Q is) (A (R a) (T test))))", ERROR),
    (GOLD, GOLD, (4, 4, 4, 4, 4)),
    (GOLD, GOLD, (4, 4, 4, 4, 4)),
    (GOLD, GOLD.replace("this", "That"), ERROR),
    ("(S (A-SBJ-1 (P this)) (B-WHATEVER (Q is) (A (R a) (T test))))", GOLD, (4, 4, 4, 4, 4)),
    (LONG, LONG, (34, 34, 34, 44, 44)),
    (TRACE, TRACE, (4, 4, 4, 4, 4)),
    (COLON, COLON, (4, 4, 4, 4, 4)),
]


def score(gold, test):
    return metric("bracket_f1").score([test], [[gold]])


def counted(gold, test):
    """(matched, gold, test, right tags, words), or ERROR or SKIP."""
    row = metric("bracket_f1").counts([test], [[gold]])[0]
    matched, in_gold, in_test, _, tags, words, valid, error, _, _ = row
    return (matched, in_gold, in_test, tags, words) if valid else ERROR if error else SKIP


@pytest.mark.parametrize(
    "gold, test, expected", SAMPLE, ids=[f"line{n}" for n in range(1, len(SAMPLE) + 1)]
)
def test_a_sentence_of_evalbs_sample(gold, test, expected):
    assert counted(gold, test) == expected


def test_the_summary_of_evalbs_sample():
    found = metric("bracket_f1").score(
        [test for _, test, _ in SAMPLE], [[gold] for gold, _, _ in SAMPLE]
    )
    told = found.details
    theirs = ("evalb_recall", "precision", "evalb_exact_trees", "evalb_tagging_accuracy")
    assert [round(told[name], 2) for name in theirs] == [87.76, 90.53, 52.94, 98.15]
    assert told["evalb_f1"] == pytest.approx(100 * 2 * 86 / (98 + 95))
    assert (told["errors"], told["skipped"], told["valid"], told["invalid"]) == (5, 2, 17, 7)
    assert found.value == pytest.approx(100 * 2 * 86 / (98 + 7 * 4 + 95))
    assert told["recall"] == pytest.approx(100 * 86 / (98 + 7 * 4))
    assert told["exact_trees"] == pytest.approx(100 * 9 / 24)


def test_trees_of_noise_count_as_missed_and_are_counted():
    """One right tree among three is not 100%, whatever is wrong with the others."""
    found = metric("bracket_f1").score([GOLD, "(S (P", "(S (A (P that)))"], [[GOLD]] * 3)
    assert found.value == pytest.approx(100 * 2 * 4 / (3 * 4 + 4))
    assert found.details["evalb_f1"] == 100
    assert found.figures() == {
        "bracket_f1": found.value,
        "bracket_f1_valid": 1,
        "bracket_f1_invalid": 2,
    }


# The first sentence of EVALB's README, with what has to be left out of it worked out by hand.
MONDAY = (
    "(TOP (S (INTJ (RB No)) (, ,) (NP (PRP it)) (VP (VBD was) (RB n't) (NP (NNP Black) (NNP "
    "Monday))) (. .)))"
)


@pytest.mark.parametrize(
    "gold, test, expected",
    [
        (MONDAY, MONDAY, (5, 5, 5, 6, 6)),
        # punctuation is nowhere: it may hang anywhere
        (MONDAY, MONDAY.replace(" (, ,) (NP (PRP it))", " (NP (, ,) (PRP it))"), (5, 5, 5, 6, 6)),
        (MONDAY, MONDAY.replace("TOP", "ROOT"), (5, 5, 5, 6, 6)),
        (MONDAY, MONDAY.replace("TOP", "S1"), (5, 5, 5, 6, 6)),
        (MONDAY, MONDAY.replace("TOP", ""), (5, 5, 5, 6, 6)),
        (MONDAY, MONDAY.replace("TOP", "VROOT"), (5, 5, 5, 6, 6)),
        # a bracket that holds nothing stands for a word, which is missing
        (GOLD, GOLD.replace("(R a) ", "(R a) (HYPH ) "), ERROR),
        (GOLD.replace("(R a) ", "(R a) (HYPH ) "), GOLD, ERROR),
        (GOLD.replace("(R a) ", "(R a) (HYPH -) "), GOLD, ERROR),
        # a comma tagged as a word is one word more than in the reference
        (MONDAY, MONDAY.replace("(, ,)", "(NN ,)"), ERROR),
        (MONDAY, MONDAY[:-1], ERROR),
        # a constituent that holds nothing but traces goes with them
        (
            "(S (NP (PRP I)) (VP (VBD reported) (SBAR (-NONE- 0) (S (-NONE- *T*-1)))))",
            "(S (NP (PRP I)) (VP (VBD reported)))",
            (3, 3, 3, 2, 2),
        ),
        ("(S (`` ``) (NP (NN x)) ('' ''))", "(S (NP (NN x)))", (2, 2, 2, 1, 1)),
        ("(VP (VB go) (PRT (RP on)))", "(VP (VB go) (ADVP (RB on)))", (2, 2, 2, 1, 2)),
        ("(NP=2 (NN x))", "(NP-SBJ (NN x))", (1, 1, 1, 1, 1)),
        ("(NP (NP (DT the) (NN man)))", "(NP (NP (NP (DT the) (NN man))))", (2, 2, 3, 2, 2)),
        ("(NP (NP (NP (DT the) (NN man))))", "(NP (DT the) (NN man))", (1, 3, 1, 2, 2)),
        ("(NP (NN x))", "(. .)", SKIP),
        ("", "(NP (NN x))", ERROR),
    ],
)
def test_rules(gold, test, expected):
    assert counted(gold, test) == expected


def test_a_reference_out_of_order_is_the_users_mistake():
    with pytest.raises(
        UserError, match=r"Reference 2 is no bracketed tree: 1 bracket is not closed\."
    ):
        metric("bracket_f1").score([GOLD, GOLD], [[GOLD], ["(S (NN x)"]])


def test_nothing_valid_is_0():
    assert score(GOLD, "").value == 0
    assert score(GOLD, "").details["precision"] == 0
