"""The grammar of `--problems`."""

import pytest

from t2t_mm import mixtures, registry


class Toy:
    """A stand-in for Problem: the registry knows only these methods."""

    def check(self):
        pass

    def reversed(self):
        return type(self)()


@pytest.fixture
def mixes(apart):
    """Three problems and four mixtures, forgotten after the test."""
    for name in ("toy_a", "toy_b", "toy_c"):
        registry.register_problem(name)(type(name, (Toy,), {}))
    registry.register_mixture("plain")(lambda: ["toy_a", "toy_b_rev"])
    registry.register_mixture("weighed")(lambda: {"toy_a": 3, "toy_b": 1})
    registry.register_mixture("nested")(lambda: ["plain", "toy_c"])
    registry.register_mixture("circle")(lambda: ["toy_a", "circle"])


@pytest.mark.parametrize(
    "text, expected",
    [
        ("toy_a", {"toy_a": None}),
        ("toy_b + toy_a_rev", {"toy_b": None, "toy_a_rev": None}),
        ("toy_a:3+toy_b", {"toy_a": 3.0, "toy_b": 1.0}),
        ("plain+toy_c", {"toy_a": None, "toy_b_rev": None, "toy_c": None}),
        ("nested", {"toy_a": None, "toy_b_rev": None, "toy_c": None}),
        ("plain:1+toy_c:1", {"toy_a": 0.5, "toy_b_rev": 0.5, "toy_c": 1.0}),
        ("weighed+toy_c", {"toy_a": 3.0, "toy_b": 1.0, "toy_c": 1.0}),
        ("weighed:2+toy_c", {"toy_a": 1.5, "toy_b": 0.5, "toy_c": 1.0}),
        ("nested:2", {"toy_a": 2 / 3, "toy_b_rev": 2 / 3, "toy_c": 2 / 3}),
    ],
)
def test_parse_problems(mixes, text, expected):
    parsed = mixtures.parse(text)
    assert parsed == pytest.approx(expected)
    assert list(parsed) == list(expected)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "joined with"),
        ("toy_a++toy_b", "joined with"),
        ("toy_a,toy_b", "joined with"),
        ("toy_a:0", "positive"),
        ("toy_a:nan", "positive"),
        ("toy_a:", "positive"),
        ("toy_a:x", "positive"),
        ("toy_a+toy_a", "named twice"),
        ("toy_a+plain", "named twice, by toy_a and by plain"),
        ("circle", "contains itself"),
        ("toy_d", "unknown problem 'toy_d'"),
        ("plain_rev", "unknown problem 'plain_rev'|mixture"),
    ],
)
def test_parse_problems_errors(mixes, text, message):
    with pytest.raises(registry.RegistryError, match=message):
        mixtures.parse(text)
