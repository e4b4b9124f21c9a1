"""Log-probabilities of targets that are given, and outputs that have to begin with a prefix."""

import numpy as np
import pytest

from t2t_mm.decoding import Beam
from t2t_mm.errors import UserError
from t2t_mm.inference import scoring
from t2t_mm.inference.inputs import batch_of, encode
from t2t_mm.problem import trees

SENTENCES = ["I see two red rings.", "There is a moon.", "A."]
GERMAN = ["Ich sehe zwei rote Ringe.", "Da ist ein Mond.", ""]


@pytest.fixture(scope="module")
def model(loaded):
    return loaded


def test_a_score_is_what_the_decoder_says_of_the_same_output(model):
    """The search is given each target as a prefix, its end included: it has no choice."""
    problem = model.problem("mini_ende")
    ids = [scoring.given(problem, text) for text in GERMAN]
    batch = batch_of(problem, [encode(problem, sentence).value for sentence in SENTENCES])
    forced = batch | scoring.with_prefixes(ids)
    scores = model.score("mini_ende", SENTENCES, GERMAN)
    for method in (None, Beam(2)):
        found = model.decode(problem, forced, method, longest=30)
        for row, score in enumerate(scores):
            assert found.ids[row, 0, : len(ids[row])].tolist() == ids[row]
            assert score["log_prob"] == pytest.approx(found.log_probs[row, 0], rel=1e-5)
    for text, score, each in zip(GERMAN, scores, ids, strict=True):
        pieces, own = zip(*score["tokens"], strict=True)
        assert len(pieces) == len(each) and pieces[-1] == "</s>"
        assert "".join(pieces[:-1]).replace("▁", " ") == text
        assert sum(own) == pytest.approx(score["log_prob"], rel=1e-6) and max(own) < 0


def test_pairs_are_scored_each_for_itself(model):
    together = model.score("mini_ende", SENTENCES, GERMAN)
    for sentence, text, score in zip(SENTENCES, GERMAN, together, strict=True):
        alone = model.score("mini_ende", sentence, text)
        assert alone["log_prob"] == pytest.approx(score["log_prob"], rel=1e-5)
    assert together[0]["log_prob"] != model.score("mini_ende", SENTENCES[1], GERMAN[0])["log_prob"]


def test_what_cannot_be_scored_stays_in_its_place(model):
    inputs = ["", SENTENCES[0], SENTENCES[0], SENTENCES[0], SENTENCES[0]]
    targets = [GERMAN[0], 3, "\ud800", "x " * 9000, GERMAN[0]]
    scores = model.score("mini_ende", inputs, targets)
    for score, why in zip(
        scores, ("empty", "not int", "UTF-8", "8,192 are the most"), strict=False
    ):
        assert why in score["error"]
    assert scores[4]["log_prob"] < 0
    with pytest.raises(UserError, match="3 inputs, but 1 values of targets: give one for each"):
        model.score("mini_ende", SENTENCES, GERMAN[:1])
    assert model.score("mini_ende", [], []) == []


def test_classes_are_scored_by_name_or_number(model):
    pixels = np.random.default_rng(0).integers(0, 255, (50, 80, 3), np.uint8)
    top = model.predict("mini_imagenet", pixels, top=3)["top"]
    names = [name for name, _ in top]
    for (_, probability), score in zip(
        top, model.score("mini_imagenet", [pixels] * 3, names), strict=True
    ):
        assert score["log_prob"] == pytest.approx(np.log(probability), rel=1e-5)
    classes = model.problem("mini_imagenet").targets.class_names()
    number = classes.index(names[0])
    assert model.score("mini_imagenet", pixels, number)["tokens"][0][0] == names[0]
    for wrong in ("dog", len(classes), -1, True, None, 1.0):
        (score,) = model.score("mini_imagenet", [pixels], [wrong])
        assert f"class {wrong!r}, where 'mini_shapes' has {classes[0]}, " in score["error"]


def test_a_parse_is_scored_as_a_tree_or_in_its_linear_form(model):
    tree = "(ROOT (S (NP (DT A) (NN ring)) (VP (VBZ is) (ADJP (JJ red))) (. .)))"
    one, other = model.score("mini_parse", ["A ring is red."] * 2, [tree, trees.linearize(tree)])
    pieces = [[piece for piece, _ in each["tokens"]] for each in (one, other)]
    assert pieces[0] == pieces[1] and pieces[0][0] == "(ROOT" and pieces[0][-1] == "</s>"
    assert one["log_prob"] == pytest.approx(other["log_prob"], rel=1e-6)


def test_outputs_begin_with_their_prefixes(model):
    prefixes = ["Ich sehe", None, ""]
    free = model.predict("mini_ende", SENTENCES, longest=12)
    for method in (None, Beam(3)):
        found = model.predict("mini_ende", SENTENCES, method, longest=12, prefix=prefixes)
        assert found[0]["outputs"].startswith("Ich sehe")
        assert all(text.startswith("Ich sehe") for text, _ in found[0]["n_best"])
    found = model.predict("mini_ende", SENTENCES, longest=12, prefix=prefixes)
    assert [each["outputs"] for each in found[1:]] == [each["outputs"] for each in free[1:]]
    one_for_all = model.predict("mini_ende", SENTENCES[:2], longest=12, prefix="Ich sehe")
    assert all(each["outputs"].startswith("Ich sehe") for each in one_for_all)


def test_prefixes_that_cannot_be_are_told(model):
    prefixes = ["Ring " * 20, 3, "Ich"]
    found = model.predict("mini_ende", SENTENCES, longest=12, prefix=prefixes)
    assert "leaves no room in an output of 12" in found[0]["error"]
    assert "not int" in found[1]["error"] and found[2]["outputs"].startswith("Ich")
    with pytest.raises(UserError, match="answers with no sequence, which could have a prefix"):
        model.predict("mini_imagenet", [], prefix="a")
    with pytest.raises(UserError, match="3 inputs, but 2 values of prefix"):
        model.predict("mini_ende", SENTENCES, prefix=["a", "b"])
