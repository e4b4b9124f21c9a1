"""Fields: what they may hold, and in whatever way they are written."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from t2t_mm.config.fields import Fields, field
from t2t_mm.errors import UserError


@dataclasses.dataclass(frozen=True)
class Options(Fields):
    """Annotations are strings in this file, as in many a user's."""

    title = "options"
    steps: int = field(1000, "steps of the whole run", low=1, group="run")
    share: float = field(0.5, "share of it", low=0.0, below=1.0)
    mode: str = field("train", "what to do", choices=("train", "evaluate"))
    fast: bool = field(False, "hurry")
    bare: str = "undocumented"


def test_fields_know_their_type_and_all_else():
    steps = Options.fields()["steps"]
    assert (steps.type, steps.default, steps.low, steps.more) == (int, 1000, 1, {"group": "run"})
    assert Options.fields()["mode"].meaning == "what to do [train | evaluate]"


def test_values_are_brought_to_the_type_of_the_field():
    options = Options(steps=np.int64(3), share=0)
    assert type(options.steps) is int and type(options.share) is float


@pytest.mark.parametrize(
    "values, message",
    [
        ({"steps": 0}, r"options: steps is an int of at least 1 \(steps of the whole run\), not 0"),
        ({"steps": True}, "steps is an int"),
        ({"share": 1}, "share is a float of at least 0.0 and below 1.0"),
        ({"mode": "sleep"}, "mode is one of train, evaluate"),
        ({"fast": 1}, "fast is true or false"),
        ({"bare": 1}, "options: bare is a string, not 1"),
    ],
)
def test_what_does_not_fit_is_refused(values, message):
    for make in (Options, Options().replace):
        with pytest.raises(UserError, match=message):
            make(**values)


def test_text_is_parsed():
    assert Options.parse("steps=3, fast=True,", "--options") == {"steps": 3, "fast": True}
    with pytest.raises(UserError, match="--options: steps is given twice"):
        Options.parse("steps=3,steps=4", "--options")
    with pytest.raises(UserError, match="no field 'setps'; did you mean steps"):
        Options.parse("setps=3", "--options")
    with pytest.raises(UserError, match="no field 'x'; the fields are steps, share, mode, fast"):
        Options().replace(x=1)


def test_diff_and_description():
    assert Options().diff(Options(steps=3)) == {"steps": (1000, 3)}
    assert Options().describe().splitlines()[0] == "steps  1000            steps of the whole run"


def test_a_field_of_another_type_is_a_fault_of_the_class():
    @dataclasses.dataclass(frozen=True)
    class Listed(Fields):
        values: list = field(None, "several")

    with pytest.raises(TypeError, match="Listed.values"):
        Listed()
