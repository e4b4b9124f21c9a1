"""Files of an export that would end TensorFlow, or that it would wait for, are refused first."""

import json

import pytest

from t2t_mm.errors import UserError
from t2t_mm.inference.exported import DESCRIPTION, ExportedPredictor
from tests.fuzz.mutations import PLACES


@pytest.mark.parametrize(
    "name, place",
    [
        ("saved_model.pb", "sparse"),
        ("fingerprint.pb", "pipe"),
        ("fingerprint.pb", "endless"),
        ("variables/variables.index", "pipe"),
        ("variables/variables.index", "sparse"),
        ("variables/variables.data-00000-of-00001", "pipe"),
    ],
)
def test_what_is_no_file_of_an_export_is_one_line(tmp_path, name, place):
    side = {"kind": "categorical", "labels": "a", "num_classes": 2, "names": ["x", "y"]}
    (tmp_path / "1/variables").mkdir(parents=True)
    (tmp_path / "1/saved_model.pb").touch()
    (tmp_path / "1" / DESCRIPTION).parent.mkdir()
    (tmp_path / "1" / DESCRIPTION).write_text(json.dumps({"a": {"inputs": side, "targets": side}}))
    (tmp_path / "1" / name).unlink(missing_ok=True)
    PLACES[place](tmp_path / "1" / name)
    told = "bytes long, where" if place == "sparse" else "not a regular file"
    with pytest.raises(UserError, match=f"is damaged .{name}: .*{told}"):
        ExportedPredictor(tmp_path)
