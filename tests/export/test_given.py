"""An export scores targets and goes on from prefixes as the model does, whatever it is sent."""

import numpy as np
import pytest
import tensorflow as tf

import t2t_mm
from t2t_mm.errors import UserError
from t2t_mm.export import export
from t2t_mm.modalities.base import NO_SCORE

SENTENCES = ["I see two red rings.", "There is a moon.", "A."]
GERMAN = ["Ich sehe zwei rote Ringe.", "Da ist ein Mond.", ""]


@pytest.fixture(scope="module")
def model(loaded):
    return loaded


@pytest.fixture(scope="module")
def served(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("export")
    names = ["mini_ende", "mini_imagenet"]
    export(model, path, names, longest=12, scores=True, prefixes=True)
    return t2t_mm.load(path)


def test_scores_are_those_of_the_model(model, served):
    mine, theirs = (each.score("mini_ende", SENTENCES, GERMAN) for each in (model, served))
    for one, other in zip(mine, theirs, strict=True):
        assert other["log_prob"] == pytest.approx(one["log_prob"], rel=1e-5)
        assert [piece for piece, _ in other["tokens"]] == [piece for piece, _ in one["tokens"]]
        own = [[own for _, own in each["tokens"]] for each in (one, other)]
        np.testing.assert_allclose(*own, atol=1e-4)
    pixels = np.random.default_rng(0).integers(0, 255, (50, 80, 3), np.uint8)
    label = model.predict("mini_imagenet", pixels)["label"]
    mine, theirs = (
        each.score("mini_imagenet", [pixels, pixels], [label, "dog"]) for each in (model, served)
    )
    assert theirs[0]["log_prob"] == pytest.approx(mine[0]["log_prob"], rel=1e-4)
    assert "error" in mine[1] and "error" in theirs[1]


def test_outputs_begin_with_prefixes_as_those_of_the_model_do(model, served):
    prefixes = ["Ich sehe", None, "Wir"]
    mine = model.predict("mini_ende", SENTENCES, longest=12, prefix=prefixes)
    theirs = served.predict("mini_ende", SENTENCES, prefix=prefixes)
    assert [each["outputs"] for each in theirs] == [each["outputs"] for each in mine]
    assert theirs[2]["outputs"].startswith("Wir")


def test_a_prefix_of_nothing_changes_nothing_and_one_of_all_is_given_back(served):
    free = served.predict("mini_ende", SENTENCES)
    whole = [each["outputs"] for each in free]
    for each, one in zip(
        free, served.predict("mini_ende", SENTENCES, prefix=[""] * 3), strict=True
    ):
        assert one["outputs"] == each["outputs"]
        assert one["log_prob"] == pytest.approx(each["log_prob"], abs=1e-5)
    # The text may have fewer pieces than were made, and the rest is made again.
    for text, one in zip(whole, served.predict("mini_ende", SENTENCES, prefix=whole), strict=True):
        assert one["outputs"].startswith(text)


def test_what_cannot_be_read_stays_in_its_place(served):
    targets = [GERMAN[0], "\ud800", 3, "x " * 9000, GERMAN[0]]
    scores = served.score("mini_ende", ["", *[SENTENCES[0]] * 4], targets)
    assert ["error" in score for score in scores] == [True, True, True, True, False]
    found = served.predict("mini_ende", SENTENCES, prefix=["\ud800", "Ring " * 20, "Ich"])
    assert ["error" in each for each in found] == [True, True, False]
    assert served.score("mini_ende", [], []) == served.predict("mini_ende", [], prefix=[]) == []
    with pytest.raises(UserError, match="1 inputs, but 2 values of targets"):
        served.score("mini_ende", SENTENCES[:1], GERMAN[:2])


def test_the_signature_itself_answers_bytes_of_any_kind(served):
    signature = served._signatures["mini_ende_score"]
    sent = tf.constant([SENTENCES[0]] * 3), tf.constant([GERMAN[0].encode(), b"\xff\xfe", b""])
    found = signature(inputs=sent[0], targets=sent[1])
    assert found["log_probs"].numpy()[1] == NO_SCORE and found["log_probs"].numpy()[2] < 0
    assert found["token_log_probs"].shape == found["pieces"].shape
    assert not found["token_log_probs"].numpy()[1].any()
