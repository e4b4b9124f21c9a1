"""Records of a stated shape; whatever is wrong with one is a line that names it."""

import json
import os
from typing import Any, TypedDict

import pytest

from t2t_mm import records
from t2t_mm.errors import UserError


class Side(TypedDict):
    kind: str


class Model(TypedDict, total=False):
    model: str
    values: dict[str, float | None]


class Problems(Model):
    problems: dict[str, Side]


GOOD: dict[str, Any] = {"problems": {"a": {"kind": "language", "size": 3}}}


@pytest.mark.parametrize(
    "more", [{}, {"model": "own"}, {"values": {"1": 2, "2": 0.5, "3": None}}, {"other": [1]}]
)
def test_what_fits_is_read_and_what_is_not_named_may_be_there(tmp_path, more):
    path = tmp_path / "problems.json"
    path.write_text(json.dumps(GOOD | more))
    assert records.read_json(path, Problems) == GOOD | more


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "Expecting value"),
        ('{"problems": ', "Expecting value"),
        ("[]", r"it is \[\], where an object is expected"),
        ("{}", "'problems' is missing in it"),
        ('{"problems": null}', "'problems' in it is null, where an object is expected"),
        ('{"problems": {"a": {}}}', "'kind' is missing in 'a' in 'problems' in it"),
        ('{"problems": {"a": {"kind": 3}}}', "'kind' in .* is 3, where text is expected"),
        ('{"problems": {}, "model": true}', "'model' in it is true, where text is expected"),
        (
            '{"problems": {}, "values": {"1": "x"}}',
            "'1' in 'values' in it is \"x\", where a number",
        ),
        (f'{{"problems": {{}}, "values": {{"1": 1{"0" * 400}}}}}', "'1' in .* in it is 1000"),
        ("9" * 5000, "digits"),
        ("[" * 100_000, "nested too deep"),
        ("\udcff", "utf-8"),
        ("\ufeff{}", "'problems' is missing"),
    ],
)
def test_what_does_not_fit_is_one_line_with_the_file_and_what_to_do(tmp_path, text, reason):
    path = tmp_path / "problems.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=reason) as error:
        records.read_json(path, Problems, "Delete it.")
    message = str(error.value)
    assert message.startswith(f"{path} can't be read: ") and message.endswith(". Delete it.")
    assert len(message.splitlines()) == 1 and len(message) < 500


def test_what_is_no_regular_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "endless").symlink_to("/dev/zero")
    for name in ("pipe", "endless"):
        with pytest.raises(UserError, match=f"{name} can't be read: not a regular file"):
            records.read_json(tmp_path / name)
    for name in ("absent", "loop", ".", "n" * 300):
        with pytest.raises(UserError, match="can't be read"):
            records.read_json(tmp_path / name)


def test_a_file_of_many_gigabytes_is_not_read(tmp_path):
    with open(tmp_path / "sparse.json", "wb") as file:
        file.truncate(50 * 2**30)
    with pytest.raises(UserError, match="53,687,091,200 bytes long, where 67,108,864 are the most"):
        records.read_json(tmp_path / "sparse.json")


def test_shapes_of_other_kinds():
    assert records.misfit(3, Any) == "" and records.misfit((1, 2), tuple) == ""
    assert records.misfit([1, [2]], list[int]) == "1 in it is [2], where a whole number is expected"
    assert "true" in records.misfit(True, int) and records.misfit(True, bool) == ""
    assert records.misfit(1.5, int | None).endswith("where a whole number is expected")
