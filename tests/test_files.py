"""Reading lines and JSON within limits; writing files at once."""

import gzip
import io
import json
import os
import resource
import stat
import threading
import tracemalloc

import pytest

from t2t_mm import files
from t2t_mm.errors import UserError


@pytest.mark.parametrize("path", ["gs://bucket/run", "s3:/bucket", "hdfs://host:1/x"])
def test_addresses_are_no_paths(path):
    with pytest.raises(UserError, match=f"output_dir={path} is an address.* Mount the store"):
        files.check_local(path, "output_dir")


@pytest.mark.parametrize("path", ["run", "/a/b:/c", "a:b", "./gs:/x", ""])
def test_paths_are_no_addresses(path):
    files.check_local(path, "output_dir")


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
    (tmp_path / "three").write_bytes(b"of another run")
    (tmp_path / "other").symlink_to(tmp_path / "three")
    files.copy(tmp_path / "one", tmp_path / "other")
    assert (tmp_path / "other").read_bytes() == b"content"
    assert (tmp_path / "three").read_bytes() == b"of another run"


def test_a_number_that_is_not_finite_is_null_since_json_has_no_form_for_it(tmp_path):
    path = tmp_path / "metrics.json"
    files.write_json(path, {"loss": float("nan"), "all": [1.5, (float("inf"), 2)]})
    assert "NaN" not in path.read_text() and "Infinity" not in path.read_text()
    assert json.loads(path.read_text()) == {"loss": None, "all": [1.5, [None, 2]]}


def listed(tmp_path, content, name="a.txt"):
    path = tmp_path / name
    path.write_bytes(content)
    return [line for _, line in files.lines(path)]


def test_byte_order_marks_go_at_the_start_of_any_line(tmp_path):
    """Files that were joined have them in the middle."""
    mark = b"\xef\xbb\xbf"
    content = mark * 2 + b"one\n" + mark + b"two\n" + b"a" + mark + b"b\n" + mark
    assert listed(tmp_path, content) == [b"one", b"two", b"a" + mark + b"b", b""]


def test_carriage_returns_before_a_line_feed_go(tmp_path):
    assert listed(tmp_path, b"one\r\ntwo\r\r\na\rb\nlast\r\n") == [b"one", b"two", b"a\rb", b"last"]


@pytest.mark.parametrize(
    "content",
    [b"one\rtwo\rthree", b"one\rtwo", b"one\rtwo\rthree\n", b"x\r" * 10_000_000],
)
def test_lines_that_end_in_carriage_returns_alone_are_refused(tmp_path, content):
    with pytest.raises(UserError, match="a.txt ends its lines with carriage returns alone"):
        listed(tmp_path, content)


@pytest.mark.parametrize(
    "line, fault",
    [
        ("Straße".encode(), ""),
        ("Straße".encode("utf-16-le"), "not UTF-8, perhaps UTF-16"),
        ("Straße".encode("utf-16-be"), "not UTF-8, perhaps UTF-16"),
        ("中文".encode("utf-16"), "not UTF-8, perhaps UTF-16"),
        ("Straße".encode("latin-1"), "not UTF-8"),
        (b"x" * (files.LONGEST_LINE + 1), "longer than 1,048,576 bytes"),
        (b"x" * files.LONGEST_LINE, ""),
    ],
)
def test_what_is_wrong_with_a_line_is_said(line, fault):
    assert files.fault(line) == fault
    assert (files.text(line) is None) == bool(fault)


def test_a_line_is_read_up_to_a_limit(tmp_path):
    most = files.LONGEST_LINE
    lines = [b"a", b"x" * most, b"y" * (most + 1), b"z" * (3 * most), b"b"]
    found = listed(tmp_path, b"\n".join(lines))
    assert [len(line) for line in found] == [1, most, most + 1, most + 1, 1]
    assert [bool(files.fault(line)) for line in found] == [False, False, True, True, False]
    assert listed(tmp_path, lines[3]) == [b"z" * (most + 1)]


def test_what_never_has_a_line_is_refused_within_bounds(tmp_path):
    """A megabyte of gzip that is a line of a gigabyte; a device without an end."""
    bomb = gzip.compress(b"\0" * 2**20) * 1024
    tracemalloc.start()
    with pytest.raises(UserError, match="line 1, goes on for more than 67,108,864 bytes"):
        listed(tmp_path, bomb, "a.txt.gz")
    with pytest.raises(UserError, match="/dev/zero, line 1, goes on"):
        list(files.lines("/dev/zero"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**23


@pytest.mark.parametrize("name", ["a.txt.bz2", "a.txt.xz", "a.zip"])
def test_what_is_compressed_otherwise_is_neither_read_nor_written(tmp_path, name):
    with pytest.raises(UserError, match="unsupported compression"):
        listed(tmp_path, b"x", name)
    with pytest.raises(UserError, match="gzipped if it ends in .gz"):
        files.check_output(tmp_path / name, "out")


def test_json_is_read_within_limits(tmp_path):
    path = tmp_path / "a.json"
    for content, message in (
        ("[" * 100_000, "nested too deep"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested too deep"),
        ('"' + "x" * 100 + '"', "102 bytes long, where 50 are the most"),
        ("{", "Expecting"),
    ):
        path.write_text(content)
        with pytest.raises(ValueError, match=message):
            files.read_json(path, 50 if "x" in content else 2**20)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="not a regular file"):
        files.read_json(tmp_path / "pipe")
    path.write_text('{"a": [1]}')
    assert files.read_json(path) == {"a": [1]}


def test_a_link_stays_and_its_file_is_written(tmp_path):
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "target", tmp_path / "link"
    for before in (False, True):  # at first it points to nothing
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        files.check_output(link, "out")
        files.write_text(link, f"text {before}")
        assert link.is_symlink() and target.read_text() == f"text {before}"
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["target"]


def test_what_is_no_regular_file_is_written_to_as_it_is(tmp_path):
    """To rename a file over a device would take the device away."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "null").symlink_to("/dev/null")
    read = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    got = []
    read.start()
    files.write_text(pipe, "through")
    read.join(10)
    assert got == [b"through"] and stat.S_ISFIFO(pipe.stat().st_mode)
    files.write_text(tmp_path / "null", "gone")
    with pytest.raises(OSError, match="No space left"):
        files.write_text("/dev/full", "more")
    assert not stat.S_ISREG(os.stat("/dev/full").st_mode) and (tmp_path / "null").is_symlink()
    assert not files.is_replaced("/dev/stdout") and files.is_replaced(tmp_path / "new")


@pytest.mark.parametrize("path", ["", "absent/x", "file/x", "loop"])
def test_an_output_that_can_not_be_written_is_refused(tmp_path, path):
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(UserError, match="--out=.* can't be written to: "):
        files.check_output(tmp_path / path, "out")


def test_a_folder_of_outputs_is_checked_and_not_made(tmp_path):
    (tmp_path / "file").write_text("")
    files.check_output_folder(tmp_path / "new" / "deep", "out_dir")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    for path in ("file", "file/x"):
        with pytest.raises(UserError, match="--out_dir=.* can't be written to: "):
            files.check_output_folder(tmp_path / path, "out_dir")


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
