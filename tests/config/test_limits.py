"""Numbers that are none, have no end or are far too large, in every field and every flag."""

import importlib
import math

import pytest

from t2t_mm import mixtures
from t2t_mm.__main__ import COMMANDS
from t2t_mm.cli import app, options
from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.registry import RegistryError

ODD = [math.nan, math.inf, -math.inf, 10**30, -(10**30), 10**400, 1e300, -1e300]
FIELDS = [
    (config, name)
    for config in (HParams, RunConfig)
    for name, field in config.fields().items()
    if field.type in (int, float)
]


def numeric(command):
    """The flags of a command that hold a number."""
    values = importlib.import_module(COMMANDS[command]).FLAGS
    return [name for name in values if values[name].flag_type() in ("int", "float")]


FLAGS = [(command, name) for command in COMMANDS for name in numeric(command)]


@pytest.mark.parametrize("config, name", FIELDS, ids=lambda value: getattr(value, "title", value))
def test_every_field_is_a_finite_number_within_bounds(config, name):
    field = config.fields()[name]
    for odd in ODD:
        with pytest.raises(UserError, match=f"{name} is (an int|a float|one of)"):
            config().replace(**{name: odd})
    for text in ("nan", "inf", "-inf", "1e999", "9" * 30, "-" + "9" * 30):
        with pytest.raises(UserError, match=f"{name} is (an int|a float|one of)"):
            config.parse(f"{name}={text}", "--hparams")
    assert field.choices or field.low is not None, "without a lowest value"


def test_hyperparameters_have_a_greatest_value_where_it_costs_memory():
    free = {"warmup_steps", "audio_frequency_stride"}
    numbers = {name for config, name in FIELDS if config is HParams} - free
    assert {name for name in numbers if HParams.fields()[name].below is None} == set()


def test_there_are_flags_of_numbers():
    assert len(FLAGS) > 25


@pytest.mark.parametrize("command, name", FLAGS, ids=lambda value: value)
def test_every_flag_is_a_finite_number_within_bounds(command, name):
    module = importlib.import_module(COMMANDS[command])
    for odd in ("nan", "inf", "-inf", "1e999", "9" * 30, "-" + "9" * 30, "9" * 5000):
        with pytest.raises(app.UsageError) as error:
            app._parse(module.FLAGS, [command, f"--{name}={odd}"])
            options.given(RunConfig, module.FLAGS)
        assert f"--{name}" in str(error.value)


@pytest.mark.parametrize(
    "command, flag",
    [
        ("decoder", "--beam_size=100000"),
        ("decoder", "--n_best=100000"),
        ("decoder", "--alpha=1e9"),
        ("decoder", "--seed=3000000000"),
        ("decoder", "--sampling_temperature=1e30"),
        ("exporter", "--beam_size=100000"),
        ("exporter", "--drop_experts=nan"),
        ("datagen", "--workers=1000000"),
        ("score", "--bootstrap=1000000000"),
    ],
)
def test_what_would_fill_the_memory_is_refused(command, flag):
    with pytest.raises(app.UsageError, match=flag.partition("=")[0]):
        app._parse(importlib.import_module(COMMANDS[command]).FLAGS, [command, flag])


def test_text_that_is_not_in_utf_8_is_refused():
    values = app.new_flags()
    with pytest.raises(app.UsageError, match="--t2t_usr_dir: 'a.*' is not valid UTF-8"):
        app._parse(values, ["command", "--t2t_usr_dir=a\udcff"])


@pytest.mark.parametrize("weight", ["nan", "inf", "-inf", "0", "-1", "1e308", "1e-320", "9" * 400])
def test_the_weight_of_a_problem_is_a_number_that_adds_up(weight):
    with pytest.raises(RegistryError, match="a weight is a positive number"):
        mixtures.parse(f"mini_ende:{weight}+mini_deen")


def test_a_field_may_be_called_as_an_argument_of_the_method_that_changes_it():
    with pytest.raises(UserError, match="no field 'self'"):
        HParams().replace(**{"self": 1})
