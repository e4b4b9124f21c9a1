"""Which examples are cut off as other splits."""

import collections

import pytest

from t2t_mm.config.hold_out import HoldOut
from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError

EXAMPLES = [[str(number).encode()] for number in range(10_000)]


def split(text, splits=("validation", "test")):
    hold_out = HoldOut.parse(text)
    return [hold_out.split_of(parts, splits) for parts in EXAMPLES]


def test_shares_are_as_asked_for_and_of_one_split_alone():
    found = split("validation:0.1+test:0.2")
    counts = collections.Counter(found)
    assert counts["validation"] == pytest.approx(1000, rel=0.1)
    assert counts["test"] == pytest.approx(2000, rel=0.1)
    fewer = split("validation:0.05+test:0.2")
    assert [name == "test" for name in fewer] == [name == "test" for name in found]
    assert all(
        name == "validation"
        for name, less in zip(found, fewer, strict=True)
        if less == "validation"
    )
    alone = split("validation:0.1+test:0.2", splits=["validation"])
    assert [name == "validation" for name in alone] == [name == "validation" for name in found]


def test_another_seed_cuts_others_off():
    one, other = split("test:0.5"), split("test:0.5+seed:1")
    same = sum(a == b for a, b in zip(one, other, strict=True))
    assert 4500 < same < 5500


def test_parts_are_not_run_together():
    hold_out = HoldOut.parse("test:0.5")
    pairs = [([b"a", b"bc" * n], [b"ab", b"c" + b"bc" * (n - 1)]) for n in range(1, 200)]
    assert any(hold_out.split_of(a, ["test"]) != hold_out.split_of(b, ["test"]) for a, b in pairs)


@pytest.mark.parametrize(
    "text",
    [
        "validation",
        "validation:",
        "validation:much",
        "validation:0",
        "validation:1",
        "validation:-0.1",
        "validation:nan",
        "validation:inf",
        "validation:0.6+test:0.4",
        "train:0.5",
        "seed:1",
        "test:0.1+seed:-1",
        "test:0.1+seed:0.5",
        "test:0.1+test:0.2",
        "test:0.1,validation:0.1",
    ],
)
def test_what_is_no_share_is_refused(text):
    with pytest.raises(UserError, match="hold_out=.*shares between 0 and 1.*validation:0.05"):
        RunConfig(hold_out=text, generate_data=True)


def test_an_option_that_would_do_nothing_is_refused():
    with pytest.raises(UserError, match="hold_out=test:0.1 needs --generate_data"):
        RunConfig(hold_out="test:0.1")
