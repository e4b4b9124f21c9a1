"""The page of t2t-mm-demo: what its tabs show, and what they refuse. Needs gradio."""

from types import SimpleNamespace

import pytest

from t2t_mm import Audio, Categorical, Image, Language, Series, registry

gr = pytest.importorskip("gradio")

from t2t_mm.demo import page as demo  # noqa: E402
from t2t_mm.demo.media import MEDIA  # noqa: E402
from t2t_mm.modalities.several.spec import Several  # noqa: E402

TEXT = Language(vocab="text")
CLASSES = Categorical(labels="classes", num_classes=2)
SIDES = {
    "translate": (TEXT, TEXT),
    "classify": (Image(size=8), CLASSES),
    "hear": (Audio(), TEXT),
    "sense": (Series(channels=3, rate=50), CLASSES),
    "asked": (Several((("question", TEXT), ("picture", Image(size=8))), ("picture",)), CLASSES),
    "write": (registry.problem("mini_language").inputs, TEXT),
}


@pytest.fixture
def model():
    """A model that answers what it is asked, and keeps it."""

    def predict(name, value, **how):
        asked.append((name, value, how))
        if value == "blank":
            return {"error": "the text is empty"}
        if name in ("translate", "write"):
            return {"outputs": "<b>", "n_best": [("<b>", -1.0), ("c", -2.25)]}
        return {"label": "ring", "top": [("ring", 0.9), ("star", 0.1)]}

    asked = []
    return SimpleNamespace(problems=SIDES, sides=SIDES.get, predict=predict, asked=asked)


def answer(model, name, *given):
    return demo.Tab(model, name, "", None).answer(*given)


def test_there_is_a_tab_for_every_kind_of_input(model):
    made = demo.page(model, name="mini8")
    assert "## mini8" in str(made.get_config_file())
    labels = [each["props"].get("label") for each in made.get_config_file()["components"]]
    assert labels.count("answer") == len(SIDES) and {"question", "picture"} <= set(labels)
    assert all(registry.modality(name).medium in MEDIA for name in registry.list_modalities())


def test_answers_are_texts_with_scores_or_classes_with_bars(model):
    text, bars, best, drawn, inside = answer(model, "translate", "a ring")
    assert text == "<b>" and best["value"] == [["<b>", "-1.00"], ["c", "-2.25"]]
    assert not bars["visible"] and not drawn["visible"] and not inside["visible"]
    text, bars, best, *_ = answer(model, "asked", "?", "")
    assert text == "ring" and bars["value"] == {"ring": 0.9, "star": 0.1} and not best["visible"]


def test_files_come_as_their_content_and_never_as_a_path(model, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"picture")
    sent = SimpleNamespace(path=str(path))
    for medium in ("picture", "sound", "file"):
        component = MEDIA[medium].component("input")
        assert component.preprocess(sent) == b"picture" and component.preprocess(None) is None
    answer(model, "classify", b"picture")
    answer(model, "asked", "/etc/passwd", b"picture")
    answer(model, "asked", "what?", None)
    assert [value for _, value, _ in model.asked] == [
        b"picture",
        {"question": "/etc/passwd", "picture": b"picture"},  # a text is one there
        {"question": "what?", "picture": None},
    ]


def test_a_beginning_is_the_prefix_of_a_problem_without_inputs(model):
    answer(model, "write", "Shall")
    answer(model, "write", "")
    assert model.asked == [("write", None, {"prefix": "Shall"}), ("write", None, {})]


def test_what_cannot_be_answered_is_told(model):
    with pytest.raises(gr.Error, match="the text is empty"):
        answer(model, "translate", "blank")
    with pytest.raises(gr.Error, match="Give a text"):
        answer(model, "translate", "")
    with pytest.raises(gr.Error, match="Give a picture"):
        answer(model, "classify", None)
