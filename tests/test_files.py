"""Writing files at once."""

import json
import resource

import pytest

from t2t_mm import files


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "names.json"
    files.write_json(path, {"a": 1})
    files.write_json(path, {"ä": [2]})
    assert json.loads(path.read_text(encoding="utf-8")) == {"ä": [2]}
    assert "ä" in path.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "text"
    files.write_text(path, "before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError) as error:
            files.write_text(path, "after" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]
    assert error.value.filename == str(path)


def test_a_file_that_is_copied_onto_itself_stays_as_it_is(tmp_path):
    (tmp_path / "one").write_bytes(b"content")
    (tmp_path / "same").symlink_to(tmp_path / "one")
    files.copy(tmp_path / "one", tmp_path / "same")
    files.copy(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "same").is_symlink() and (tmp_path / "one").read_bytes() == b"content"
    assert (tmp_path / "two").read_bytes() == b"content"


def test_a_number_that_is_not_finite_is_null_since_json_has_no_form_for_it(tmp_path):
    path = tmp_path / "metrics.json"
    files.write_json(path, {"loss": float("nan"), "all": [1.5, (float("inf"), 2)]})
    assert "NaN" not in path.read_text() and "Infinity" not in path.read_text()
    assert json.loads(path.read_text()) == {"loss": None, "all": [1.5, [None, 2]]}
