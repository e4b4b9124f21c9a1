import pathlib
import random

import pytest

from t2t_mm.problem import trees

DOG = "(ROOT (S (NP (DT The) (NN dog)) (VP (VBZ barks)) (. .)))"
LINEAR = "(ROOT (S (NP DT NN )NP (VP VBZ )VP . )S )ROOT"
GUM = pathlib.Path(__file__).parents[3] / "shared/raw/everyday/wsj_parse/train.mrg"


def cleaned(text, **options):
    (tree,) = trees.parse(text)
    return trees.write(trees.clean(tree, **options))


def test_linear_form_and_back():
    (tree,) = trees.parse(DOG)
    assert trees.words(tree) == ["The", "dog", "barks", "."]
    assert trees.write(tree) == DOG
    assert trees.linearize(tree) == trees.linearize(DOG) == LINEAR
    assert trees.delinearize(LINEAR, "The dog barks .") == DOG
    assert trees.delinearize(LINEAR.split(), ["The", "dog", "barks", "."]) == DOG


def test_parse_many_trees_on_many_lines():
    text = "( (S\n    (NP (PRP I))\n  (VP (VBP go)))\n)\n\n(FRAG (NN x))(NN y)"
    found = [trees.write(tree) for tree in trees.parse(text)]
    assert found == ["( (S (NP (PRP I)) (VP (VBP go))))", "(FRAG (NN x))", "(NN y)"]


@pytest.mark.parametrize(
    "text, reason",
    [
        ("(S (NN dog)", "not closed"),
        ("(S (NN dog)))", "extra closing"),
        ("dog", "outside"),
        ("(S (NN dog)) cat", "outside"),
        ("(NP (DT the) dog)", "without a tag"),
        ("(NP the (NN dog))", "without a tag"),
        ("(NN ice cream)", "two words"),
    ],
)
def test_parse_says_what_is_broken(text, reason):
    with pytest.raises(ValueError, match=reason):
        trees.parse(text)


def test_clean():
    text = (
        "( (S (NP-SBJ-1 (-NONE- *)) (VP=2 (VBZ is) (NP-PRD (-LRB- -LRB-) (NN x))"
        "  (SBAR (-NONE- 0) (S (-NONE- *T*-1))))))"
    )
    assert cleaned(text) == "(ROOT (S (VP (VBZ is) (NP (-LRB- -LRB-) (NN x)))))"
    assert (
        cleaned(text, keep_functions=True)
        == "(ROOT (S (VP=2 (VBZ is) (NP-PRD (-LRB- -LRB-) (NN x)))))"
    )
    assert cleaned("(TOP (-LRB- (NN x)))") == "(ROOT (-LRB- (NN x)))"
    assert cleaned("(NP-SBJ (NN-X x-y))") == "(NP (NN-X x-y))"
    assert trees.clean(trees.parse("(S (NP (-NONE- *)))")[0]) is None
    with pytest.raises(ValueError, match="no label"):
        cleaned("(S ( (NN x)))")
    assert cleaned("(VROOT (S (NN x)))") == "(ROOT (S (NN x)))"
    with pytest.raises(ValueError, match="the bracket HYPH holds no word"):
        cleaned("(NP (NN Eye) (HYPH ) (NN Tracking))")


def test_words_may_hold_any_character_but_ascii_white_space():
    line = "(ROOT (NP (NN a\u00a0b) (NN c\u2028d\x1ce) (NN \\/)))"
    (tree,) = trees.parse(line)
    assert trees.delinearize(trees.linearize(tree), " ".join(trees.words(tree))) == line


@pytest.mark.parametrize(
    "symbols, sentence, tree",
    [
        ("(S (NP NN", "dog", "(S (NP (NN dog)))"),
        ("(S (NP NN )S", "dog", "(S (NP (NN dog)))"),
        (")X (S NN )NP )S )S", "dog", "(S (NN dog))"),
        ("(S NN )S", "hot dog", "(S (NN hot) (XX dog))"),
        ("(S NN NN NN )S", "dog", "(S (NN dog))"),
        ("(S NN )S (S NN )S", "hot dog", "(ROOT (S (NN hot)) (S (NN dog)))"),
        ("(S (NP )NP NN )S", "dog", "(S (NN dog))"),
        ("( <unk> )", "dog", "(ROOT (<unk> dog))"),
        ("(S( N)N )S(", "(dog)", "(S-LRB- (N-RRB-N -LRB-dog-RRB-))"),
        ("NN", "hot dog", "(ROOT (NN hot) (XX dog))"),
        ("NN", "dog", "(NN dog)"),
        ("", "dog", "(ROOT (XX dog))"),
    ],
)
def test_broken_sequences_give_a_tree_over_the_sentence(symbols, sentence, tree):
    assert trees.delinearize(symbols, sentence) == tree


def test_any_sequence_gives_a_tree_over_the_sentence():
    rng = random.Random(0)
    for _ in range(500):
        symbols = rng.choices(["(S", ")S", "(NP", ")NP", "NN", "DT", "(", ")"], k=rng.randrange(12))
        sentence = [f"w{i}" for i in range(rng.randrange(1, 6))]
        (tree,) = trees.parse(trees.delinearize(symbols, sentence))
        assert trees.words(tree) == sentence


def test_depth_is_no_limit():
    depth = 20_000
    line = "(ROOT " + "(S " * depth + "(NN x)" + ")" * depth + ")"
    (tree,) = trees.parse(line)
    tree = trees.clean(tree)
    assert trees.write(tree) == line
    assert trees.delinearize(trees.linearize(tree), ["x"]) == line


@pytest.mark.skipif(not GUM.exists(), reason="the treebank is not here")
@pytest.mark.parametrize("keep_functions", [False, True])
def test_round_trip_of_a_treebank(keep_functions):
    lines = GUM.read_bytes().decode().split("\n")[:-1]
    for line in lines:
        text = cleaned(line, keep_functions=keep_functions)
        (tree,) = trees.parse(text)
        assert trees.delinearize(trees.linearize(tree), " ".join(trees.words(tree))) == text
        if keep_functions:
            assert text == line
    assert len(lines) == 3707
