"""Flags made from the fields of a configuration."""

import dataclasses

import pytest

from t2t_mm.cli import app, options
from t2t_mm.config.fields import STRINGS, Fields, field


@dataclasses.dataclass(frozen=True)
class Options(Fields):
    title = "options"
    steps: int = field(10, "steps of the run", low=1, group="run")
    mode: str = field("up", "what to do", choices=("up", "down"), group="run")
    fast: bool = field(False, "hurry", group="devices")
    files: STRINGS = field((), "files to read", group="devices")


def parsed(*args):
    values = app.new_flags()
    sections = options.define(Options, values)
    values(["command", *args])
    return options.given(Options, values), sections


def test_what_is_given_is_told_from_defaults():
    assert parsed("--steps=10", "--files=a", "--files=b")[0] == {"steps": 10, "files": ("a", "b")}
    assert parsed()[0] == {}


def test_a_command_may_leave_out_fields():
    values = app.new_flags()
    assert options.define(Options, values, only=["steps", "fast"])["run"] == ["steps"]
    values(["command", "--steps=3"])
    assert "mode" not in values and options.given(Options, values) == {"steps": 3}


def test_groups_are_the_sections_of_help():
    assert parsed()[1] == {"run": ["steps", "mode"], "devices": ["fast", "files"]}


@pytest.mark.parametrize(
    "arg, message",
    [
        ("--steps=0", r"--steps is an int of at least 1 \(steps of the run\), not 0; --help"),
        ("--mode=left", "--mode is one of up, down"),
    ],
)
def test_a_value_out_of_bounds_is_wrong_usage(arg, message):
    with pytest.raises(app.UsageError, match=message):
        parsed(arg)
