"""Writing files at once."""

import io
import json
import os
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
        with pytest.raises(OSError):
            files.write_text(path, "after" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


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


def test_content_is_of_regular_files_up_to_a_length(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    assert files.content(tmp_path / "a", 7) == b"content" == files.head(tmp_path / "a", 99)
    with pytest.raises(ValueError, match="7 bytes long, where 6 are the most"):
        files.content(tmp_path / "a", 6)
    with pytest.raises(ValueError, match="longer than 6 bytes"):
        files.within(io.BytesIO(b"content"), 6)
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", "/dev/zero"):
        for read in (files.content, files.head):
            with pytest.raises(ValueError, match="not a regular file"):
                read(path, 7)
    with pytest.raises(FileNotFoundError):
        files.content(tmp_path / "absent", 7)
