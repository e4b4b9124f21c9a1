"""Which files are opened."""

import os

import pytest

from t2t_mm.data.origin.opened import watched


def test_files_that_are_read_are_seen_and_those_that_are_written_are_not(tmp_path):
    (tmp_path / "read.txt").write_text("text")
    found = {}
    with watched(found):
        (tmp_path / "read.txt").read_text()
        (tmp_path / "written.txt").write_text("text")
        os.close(os.open(tmp_path / "read.txt", os.O_RDONLY))
        with pytest.raises(FileNotFoundError):
            (tmp_path / "absent.txt").read_text()
    (tmp_path / "written.txt").read_text()
    stat = (tmp_path / "read.txt").stat()
    assert found == {
        str(tmp_path / "read.txt"): (4, stat.st_mtime_ns),
        str(tmp_path / "absent.txt"): (),
    }
