"""Files of an export that would end TensorFlow, or that it would wait for, are refused first."""

import json
import os

import pytest

from t2t_mm.errors import UserError
from t2t_mm.inference.exported import DESCRIPTION, ExportedPredictor


def pipe(path):
    os.mkfifo(path)


def endless(path):
    path.symlink_to("/dev/zero")


def sparse(path):
    with open(path, "wb") as file:
        file.truncate(50 * 2**30)


@pytest.mark.parametrize(
    "name, make",
    [
        ("saved_model.pb", sparse),
        ("fingerprint.pb", pipe),
        ("fingerprint.pb", endless),
        ("variables/variables.index", pipe),
        ("variables/variables.index", sparse),
        ("variables/variables.data-00000-of-00001", pipe),
    ],
)
def test_what_is_no_file_of_an_export_is_one_line(tmp_path, name, make):
    side = {"kind": "categorical", "labels": "a", "num_classes": 2, "names": ["x", "y"]}
    (tmp_path / "1/variables").mkdir(parents=True)
    (tmp_path / "1/saved_model.pb").touch()
    (tmp_path / "1" / DESCRIPTION).parent.mkdir()
    (tmp_path / "1" / DESCRIPTION).write_text(json.dumps({"a": {"inputs": side, "targets": side}}))
    (tmp_path / "1" / name).unlink(missing_ok=True)
    make(tmp_path / "1" / name)
    told = "bytes long, where" if make is sparse else "not a regular file"
    with pytest.raises(UserError, match=f"is damaged .{name}: .*{told}"):
        ExportedPredictor(tmp_path)
