"""What a class of a problem, or of a spec, may say, and what is said of it where it may not."""

import subprocess
import sys

import pytest

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.modalities.audio.spec import Audio
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.image.spec import Image
from t2t_mm.modalities.language.spec import Language
from tests.problem.mood import Mood


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Language(vocab=""), "name of a vocabulary"),
        (lambda: Language(vocab="a", units="words"), "not 'words'"),
        (lambda: Categorical(labels=""), "label space"),
        (lambda: Image(channels=2), "channels are 1"),
        (lambda: Audio(form="midi"), "not 'midi'"),
        (lambda: Audio(time_stride=6), "power of two, not 6"),
    ],
)
def test_specs_say_what_is_wrong_with_them(make, message):
    with pytest.raises(UserError, match=message):
        make()


@pytest.mark.parametrize(
    "values, message",
    [
        ({"inputs": None}, "mood: its class has to give inputs"),
        (
            {"inputs": None, "targets": Language(vocab="a"), "metrics": ("bleu",)},
            "mood has no inputs, so that its outputs compare with no reference",
        ),
        ({"inputs": {"a": None}}, "mood: its class has to give inputs"),
        ({"inputs": {"a": Categorical(labels="a")}}, "mood: categorical can't be the inputs"),
        ({"inputs": {"targets": Image()}}, "'targets' can't be the name of an input"),
        ({"inputs": {"a": Image()}, "optional_inputs": ("a",)}, "at least one of the inputs"),
        ({"inputs": {"a": Image()}, "optional_inputs": ("b",)}, "there is no input b, only a"),
        ({"optional_inputs": ("a",)}, "mood: optional_inputs is for inputs = "),
        ({"command": ""}, "mood: its class has to name its output space"),
        ({"inputs": Categorical(labels="mood")}, "mood: categorical can't be the inputs"),
        ({"targets": Image()}, "mood: image can't be the targets"),
        ({"raw_layout": "paralel_text"}, "'paralel_text': did you mean parallel_text"),
    ],
)
def test_classes_say_what_is_missing(values, message):
    with pytest.raises((UserError, registry.RegistryError), match=message):
        type("Mood", (Mood,), values)().check()


def test_a_class_without_a_name_is_refused():
    class Stored:
        num_classes, names = 3, ["glad", "sad"]

    with pytest.raises(UserError, match="3 classes, but names for 2"):
        Categorical(labels="mood").resolve("", Stored())


def test_names_and_listings_do_not_pay_for_tensorflow():
    code = (
        "import sys; from t2t_mm import registry, prepare; registry.list_problems();"
        "[registry.problem(name) for name in registry.list_problems()];"
        "print([m for m in ('tensorflow', 'tensorflow_datasets', 'keras') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip()
        == "[]"
    )


def test_built_in_problems_are_problems():
    assert {"wmt_ende", "wmt_frde", "imagenet", "wsj_parse"} <= set(registry.list_problems())
