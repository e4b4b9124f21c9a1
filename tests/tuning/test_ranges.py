"""The grammar of --range, ranges in Python, and the registered ones."""

import random

import pytest

from t2t_mm import registry
from t2t_mm.config.hparams import HParams
from t2t_mm.errors import UserError
from t2t_mm.tuning.ranges import Choices, Range, checked, read


def test_ranges_choices_and_fixed_values_have_the_types_of_their_fields():
    space = read(
        "learning_rate=1e-4..1, moe_hidden=64..512,dropout=0|0.1 ,attention=true|false,moe_k=2"
    )
    assert space.searched == {
        "learning_rate": Range(1e-4, 1.0),
        "moe_hidden": Range(64, 512),
        "dropout": Choices((0.0, 0.1)),
        "attention": Choices((True, False)),
    }
    assert isinstance(space.searched["learning_rate"].high, float)
    assert isinstance(space.searched["moe_hidden"].low, int)
    assert space.fixed == {"moe_k": 2}


@pytest.mark.parametrize(
    "text, is_log",
    [
        ("1e-4..1e-1", True),
        ("0.01..0.1", False),  # a factor of 10 is not more than 10
        ("0.01..0.11", True),
        ("0..100", False),
        ("lin:1e-4..1", False),
        ("log:0.1..0.2", True),
    ],
)
def test_a_wide_range_above_0_is_searched_in_the_logarithm_if_nothing_is_said(text, is_log):
    assert read(f"learning_rate={text}").searched["learning_rate"].is_log is is_log


def test_what_a_space_says_of_itself_is_read_back_as_the_same():
    text = (
        "learning_rate=0.0001..0.1,weight_decay=log:0.1..0.2,clip_norm=lin:0.1..9.0,dropout=0.0|0.1"
    )
    assert str(read(text)) == text
    assert read(str(registry_space := read("multimodel_range"))) == registry_space


@pytest.mark.parametrize(
    "text, told",
    [
        ("learning_rat=0.1|0.2", "no field 'learning_rat'; did you mean learning_rate"),
        ("learning_rate", "unknown ranged hparams 'learning_rate'"),
        ("multimodel_rang", "did you mean multimodel_range"),
        ("dropout=0|0.1,0.3", "'0.3' has no '='; choices are joined with |"),
        ("dropout=0|0.1,dropout=0.2", "dropout is given twice"),
        ("dropout=0|1.5", "dropout is a float of at least 0.0 and below 1.0"),
        ("dropout=0..1", "dropout is a float of at least 0.0 and below 1.0"),
        ("dropout=0..much", "dropout is a float .* not 'much'"),
        ("dropout=0.2..0.1", "is empty: the lower end comes first"),
        ("dropout=log:0..0.1", "starts above 0"),
        ("dropout=log:0.1", "dropout is a float .* not ''"),
        ("dropout=0|0", "each once"),
        ("dropout=", "dropout is a float"),
        ("moe_hidden=64..51.2", "moe_hidden is an int"),
        ("audio_frequency_stride=1..8", "is no range: .* one of 1, 2, 4, .* join choices"),
        ("attention=false..true", "attention is true or false"),
        ("optimizer=adam|muonn", "unknown optimizer 'muonn': did you mean muon"),
        ("dropout=0.1", "nothing is searched"),
        ("", "unknown ranged hparams"),
    ],
)
def test_a_mistake_says_what_was_expected(text, told):
    with pytest.raises((UserError, registry.RegistryError), match=told):
        read(text)


@pytest.mark.parametrize(
    "given, told",
    [
        ({"dropout": (0.0, 0.1)}, r"a list of choices, or Range\(low, high\)"),
        ({"dropout": []}, "give at least one"),
        ({"frozen": ["a,b", "c"]}, "holds a comma"),
        (["dropout"], "expected {field: values}"),
    ],
)
def test_a_mistake_in_a_range_in_python_names_the_range(given, told):
    with pytest.raises(UserError, match=f"^range 'mine': .*{told}"):
        checked(given, "range 'mine'")


def test_a_registered_range_may_have_plain_lists(apart):
    @registry.register_ranged_hparams
    def dropouts():
        return {"dropout": [0, 0.1], "moe_k": 1}

    assert read("dropouts").searched == {"dropout": Choices((0.0, 0.1))}
    assert read("dropouts").fixed == {"moe_k": 1}


@pytest.mark.parametrize("name", registry.list_ranged_hparams())
def test_every_registered_range_holds_what_hparams_take(name):
    space, rng = read(name), random.Random(0)
    for _ in range(50):
        drawn = {field: values.draw(rng) for field, values in space.searched.items()}
        assert HParams().replace(**space.fixed, **drawn)
        assert all(space.searched[field].contains(value) for field, value in drawn.items())


@pytest.mark.parametrize(
    "name, sets",
    [
        ("multimodel_range", ["multimodel_tiny", "multimodel_small", "transformer_tiny"]),
        ("multimodel_adam_range", ["multimodel_base", "multimodel_paper"]),
    ],
)
def test_the_ranges_of_the_catalogue_contain_what_their_sets_have(name, sets):
    for own in map(registry.hparams, sets):
        for field, values in read(name).searched.items():
            assert values.contains(getattr(own, field)), field


def test_values_are_drawn_from_all_of_a_range():
    rng = random.Random(0)
    drawn = [Range(1, 1000).draw(rng) for _ in range(300)]
    assert all(isinstance(value, int) and 1 <= value <= 1000 for value in drawn)
    assert 60 < sum(value < 10 for value in drawn) < 140  # a third, evenly in the logarithm
    even = [Range(0.0, 1.0).draw(rng) for _ in range(300)]
    assert 110 < sum(value < 0.5 for value in even) < 190
