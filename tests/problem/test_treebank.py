"""A text is brought to the conventions that a treebank's words show."""

import json
import pathlib

import pytest
import tensorflow as tf

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.problem import treebank, trees
from t2t_mm.problem.treebank_in_graph import tokenized

GUM = pathlib.Path(__file__).parents[3] / "shared/raw/everyday/wsj_parse/train.mrg"
PENN = treebank.found(
    [
        "Mr. Vinken is chairman of Elsevier N.V. , the `` Dutch '' group .",
        "It fell 1\\/2 -LRB- or 5 % -RRB- , did n't it ?",
        "They can not -- the dogs ' owners 're `` well-known '' .",
        "He said : I 'm paid $ 5 \\* , and\\/or more ...",
    ]
)
STRAIGHT = treebank.found(
    ['He said : " Yes , I do n’t ! "', "1/2 and [ so ] on -LRB- or not -RRB- ."]
)
GERMAN = treebank.found(["Das ist gut .", "Er sagt : „ Ja , *LRB* gern *RRB* “ ."])
UNTOUCHED = treebank.found(["barks, dogs, cats", "no: marks, apart"])


def words(text, conventions):
    graph = tf.function(lambda value: tokenized(value, conventions))
    return graph(tf.constant(text)).numpy().decode()


@pytest.mark.parametrize(
    "text, expected",
    [
        ("The dog barks.", "The dog barks ."),
        ("The dog barks (loudly).", "The dog barks -LRB- loudly -RRB- ."),
        ("It rose 1/2, or 3*4.", "It rose 1\\/2 , or 3\\*4 ."),
        (
            "It's 10:30; I don't, can't and couldn't've.",
            "It 's 10:30 ; I do n't , ca n't and could n't 've .",
        ),
        (
            "The dogs' owner cannot pay $5,000 or 5%.",
            "The dogs ' owner can not pay $ 5,000 or 5 % .",
        ),
        ('"Who," he said, "barks?"', "`` Who , '' he said , `` barks ? ''"),
        ("He said: “So what…”", "He said : `` So what ... ''"),
        ('("Yes.")', "-LRB- `` Yes . '' -RRB-"),
        ("It’s Mr. Vinken’s, isn’t it?!", "It 's Mr. Vinken 's , is n't it ? !"),
        ("See http://example.com/?page=1, why?", "See http:\\/\\/example.com\\/?page=1 , why ?"),
        ("He lives in the U.S.", "He lives in the U.S."),
        (
            "A well-known group--Elsevier N.V., and others.",
            "A well-known group -- Elsevier N.V. , and others .",
        ),
        ("Wait... (what)", "Wait ... -LRB- what -RRB-"),
        ("\u00a0 two\u3000words \t", "two words"),
        ("(", "-LRB-"),
        (".", "."),
        ("", ""),
        ("É. Zürich (Łódź), 中文。", "É. Zürich -LRB- Łódź -RRB- , 中文。"),
    ],
)
def test_as_the_penn_treebank_writes_it(text, expected):
    assert words(text, PENN) == expected
    assert words(expected, PENN) == expected, "tokens stay as they are"


def test_another_treebank_has_other_conventions():
    assert words('He said: "1/2 [sic], don’t!"', STRAIGHT) == 'He said : " 1/2 [ sic ] , do n’t ! "'
    assert words("Er sagt: „Ja (gern)“.", GERMAN) == "Er sagt : „ Ja *LRB* gern *RRB* “ ."
    assert words("Er hat's.", GERMAN) == "Er hat's ."


def test_a_treebank_that_sets_no_marks_apart_keeps_them():
    assert words("barks, dogs: don't.", UNTOUCHED) == "barks, dogs: don't."


def test_conventions_are_kept_as_json():
    kept = json.loads(json.dumps(PENN.to_dict()))
    assert treebank.Conventions.from_dict(kept) == PENN
    lacking = ({**kept, "halves": None}, {**kept, "halves": ["x"]}, {**kept, "forms": [["", ""]]})
    for wrong in ({}, {"forms": 3}, [], *lacking):
        with pytest.raises(UserError, match="no conventions of a treebank"):
            treebank.Conventions.from_dict(wrong)


@pytest.mark.skipif(not GUM.exists(), reason="the treebank is not here")
def test_tokens_of_a_treebank_stay_and_its_text_becomes_them():
    """Of sentences as they were before they were tokenised, all but a few come back."""
    lines = GUM.read_text(encoding="utf-8").splitlines()
    sentences = [" ".join(trees.words(trees.clean(trees.parse(line)[0]))) for line in lines]
    conventions = treebank.found(sentences)
    graph = tf.function(lambda values: tokenized(values, conventions))
    again = [text.decode() for text in graph(tf.constant(sentences)).numpy()]
    assert sum(map(str.__eq__, again, sentences)) > 0.9 * len(sentences)


def test_a_problem_finds_them_in_its_data_and_a_run_keeps_them(trained, trained_data):
    import t2t_mm

    problem = registry.problem("mini_parse").resolve(trained_data)
    assert problem.preprocess(tf.constant("I see (two) moons.")).numpy() == (
        b"I see -LRB- two -RRB- moons ."
    )
    run = t2t_mm.load(trained)
    assert run.problems["mini_parse"].findings() == problem.findings()
    older = registry.problem("mini_parse").with_findings({})
    assert older.findings() == {} and older.preprocess("as it is.") == "as it is."
    assert run.problems["mini_ende"].findings() == {}
    view = problem.copied()
    assert view.findings() == problem.findings()
    assert view.with_findings(problem.findings()).preprocess(tf.constant("Go.")).numpy() == b"Go ."
