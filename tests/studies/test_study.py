"""What a study is made of, and the built-in ones."""

import dataclasses

import pytest

from t2t_mm import mixtures, registry
from t2t_mm.errors import UserError
from t2t_mm.studies.study import Arm, Contrast, Setup, Study, against, build, changed

SETUP = Setup(tuple(mixtures.parse("mini8")), "multimodel_tiny", "dropout=0.1", 800, 100)
ARM = Arm("one", "mini_ende", 10, "multimodel_tiny")


@pytest.mark.parametrize("name", registry.list_studies())
def test_every_study_fits_together_and_says_what_it_asks(name):
    study = build(name, SETUP)
    assert (
        study.arms
        and study.contrasts
        and registry.find("study", name).description.endswith((".", "?"))
    )
    for arm in study.arms:
        assert "dropout=0.1" in arm.hparams and registry.hparams(arm.hparams_set)
    assert len({arm.folder for arm in study.arms}) == len(study.arms)


def test_single_models_get_the_steps_of_their_problem_and_those_of_all():
    study = build("joint_vs_single", SETUP)
    assert study.arm("joint").train_steps == 800 and len(study.arms) == 17
    assert study.arm("mini_ende alone").train_steps == 100
    assert study.arm("mini_ende alone, all steps").train_steps == 800


def test_parsing_gets_as_many_steps_in_each_arm():
    arms = build("parsing_with_others", SETUP).arms
    shares = [arm.train_steps / len(mixtures.parse(arm.problems)) for arm in arms]
    assert shares == [800, 800, 800] and {arm.on for arm in arms} == {("mini_parse",)}


def test_the_transformer_is_as_large_as_the_model_that_it_is_compared_with():
    arm = build("blocks", SETUP).arm("transformer")
    assert arm.model == "transformer" and arm.as_large_as == "all blocks"


def test_capacity_scales_the_width_of_the_command_line():
    setup = Setup(("mini_ende",), "multimodel_tiny", "hidden_size=64,moe_hidden=32", 10)
    arms = build("capacity", setup).arms
    assert arms[0].hparams == "hidden_size=32,moe_hidden=16"
    assert arms[-1].hparams == "hidden_size=128,moe_hidden=64"
    odd = Setup(("mini_ende",), "multimodel_tiny", "hidden_size=24,num_heads=8", 10)
    with pytest.raises(UserError, match="hidden_size=24 would be 12, which num_heads=8 does not"):
        build("capacity", odd)


def test_transfer_starts_from_a_model_of_the_others():
    study = build("transfer", SETUP)
    assert "mini_speech" in mixtures.parse("mini8") and study.arms[0].train_examples == 0
    new = list(mixtures.parse("mini8"))[-1]
    assert new not in mixtures.parse(study.arms[0].problems)
    assert [arm.train_examples for arm in study.arms[1:]] == [10, 10, 30, 30, 100, 100, 300, 300]
    assert [bool(arm.starts_from) for arm in study.arms[1:]] == [False, True] * 4


@pytest.mark.parametrize(
    "name, problems, message",
    [
        ("joint_vs_single", "mini_ende", "compares several problems"),
        ("transfer", "mini_ende", "needs problems to start from"),
        ("parsing_with_others", "mini_ende", "needs a parsing problem"),
        ("parsing_with_others", "mini_ende+mini_parse", "gives classes to pictures"),
    ],
)
def test_a_study_that_lacks_problems_says_which(name, problems, message):
    with pytest.raises(UserError, match=message):
        build(name, Setup(tuple(problems.split("+")), "multimodel_tiny", "", 10))


def test_transfer_needs_enough_examples_for_its_shares():
    with pytest.raises(UserError, match="give at least 10"):
        build("transfer", dataclasses.replace(SETUP, train_examples=3))


def test_parsing_with_images_alone_is_one_arm():
    setup = dataclasses.replace(SETUP, problems=("mini_imagenet", "mini_parse"))
    assert [arm.name for arm in build("parsing_with_others", setup).arms] == [
        "parsing alone",
        "parsing with images",
    ]


def test_a_bleu_that_is_decoded_may_be_compared():
    Study([ARM], [Contrast("one", "one", "mini_ende", "bleu")], decoded=("mini_ende",)).check("x")


def test_an_arm_takes_one_problem_by_name():
    assert SETUP.arm("one", problems="mini_ende").problems == "mini_ende"
    with pytest.raises(UserError, match="hparams are name=value,name=value, not num_heads"):
        SETUP.arm("one", hparams="num_heads")


def test_hparams_of_an_arm_replace_those_of_the_command_line():
    assert changed("a=1,b=2", "b=3,c=4") == "a=1,b=3,c=4"
    assert changed("", "b=3") == "b=3" and changed("a=1", "") == "a=1" and changed("", "") == ""


def test_contrasts_are_of_what_both_arms_measure_by_the_usual_metrics():
    other = Arm("two", "mini_ende+mini_imagenet+mini_position", 10, "multimodel_tiny")
    assert against(ARM, [other]) == [
        Contrast("two", "one", "mini_ende", "log_perplexity"),
        Contrast("two", "one", "mini_ende", "accuracy"),
    ]
    assert [each.metric for each in against(other, [other], "mini_position")] == ["rmse", "mae"]
    assert against(ARM, [other], "mini_ende", ["bleu"]) == [
        Contrast("two", "one", "mini_ende", "bleu")
    ]


@pytest.mark.parametrize(
    "study, message",
    [
        (Study([], []), "has no arms"),
        (Study([ARM, ARM], []), "two arms called 'one'"),
        (Study([Arm("??", "mini_ende", 10, "multimodel_tiny")], []), "'\\?\\?' needs a-z or 0-9"),
        (
            Study([Arm("two", "mini_ende", 1, "multimodel_tiny", measured=("mini_deen",))], []),
            "'two' is to be measured on mini_deen, on which it does not train",
        ),
        (
            Study([Arm("two", "mini_ende", 1, "multimodel_tiny", starts_from="one"), ARM], []),
            "'two' needs the arm 'one' before it",
        ),
        (Study([ARM], [], sizes={"line": ["one", "2"]}), "no arm '2', which `sizes` names in 'li"),
        (Study([ARM], [Contrast("one", "two", "mini_ende", "accuracy")]), "compares 'two' on"),
        (Study([ARM], [Contrast("one", "one", "mini_ende", "wer")]), "compares wer of mini_ende"),
        (Study([ARM], [Contrast("one", "one", "mini_ende", "bleu")]), "bleu of mini_ende, a"),
        (Study([ARM], [Contrast("one", "one", "mini_deen", "accuracy")]), "on mini_deen, but no"),
    ],
)
def test_a_study_that_does_not_fit_together_is_refused(study, message):
    with pytest.raises(UserError, match=message):
        study.check("mine")
    with pytest.raises(registry.RegistryError, match="unknown metric 'acuracy'"):
        Study([ARM], [Contrast("one", "one", "mini_ende", "acuracy")]).check("mine")
