"""The mini world's problems: all eight are there, and those of one domain share their specs."""

from t2t_mm import mixtures, registry

EIGHT = [
    "mini_ende",
    "mini_deen",
    "mini_enfr",
    "mini_fren",
    "mini_parse",
    "mini_imagenet",
    "mini_captions",
    "mini_speech",
]


def test_mixture_holds_the_eight():
    assert list(mixtures.parse("mini8")) == EIGHT


def test_the_twelve_are_the_eight_and_those_with_other_targets_and_inputs():
    others = ["mini_attributes", "mini_position", "mini_question", "mini_language"]
    assert list(mixtures.parse("mini12")) == [*EIGHT, *others]
    fields = registry.problem("mini_question").inputs.fields
    captions = registry.problem("mini_captions")
    assert fields == {"question": captions.targets, "picture": captions.inputs}  # nets are shared


def test_equal_specs_for_one_domain():
    problems = {name: registry.problem(name) for name in EIGHT}
    text = problems["mini_ende"].inputs
    sharing = {problem.name for problem in problems.values() if problem.targets == text}
    assert sharing == {
        "mini_ende",
        "mini_deen",
        "mini_enfr",
        "mini_fren",
        "mini_captions",
        "mini_speech",
    }
    assert problems["mini_parse"].inputs == text != problems["mini_parse"].targets
    assert problems["mini_captions"].inputs == problems["mini_imagenet"].inputs
    to_english = {problem.name for problem in problems.values() if problem.command == "to-english"}
    assert to_english == {"mini_deen", "mini_fren", "mini_captions", "mini_speech"}


def test_pictures_are_never_mirrored():
    assert not registry.problem("mini_captions").inputs.flip
