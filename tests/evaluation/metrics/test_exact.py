import pytest

from t2t_mm.registry import metric


@pytest.mark.parametrize(
    "name, hypothesis, references, value",
    [
        ("exact_match", " a  b ", ["x", "a b"], 100),
        ("exact_match", "A b", ["a b"], 0),
        ("accuracy", "cat", ["cat"], 100),
        ("accuracy", "3", ["4"], 0),
    ],
)
def test_exact(name, hypothesis, references, value):
    assert metric(name).score([hypothesis], [references]).value == value
