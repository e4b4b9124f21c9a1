import functools
import gzip

import pytest
import tensorflow_datasets as tfds

from t2t_mm.data.readers.parallel_text import ParallelText
from t2t_mm.errors import UserError

HUNDRED = "".join(f"line {i}\n" for i in range(200))


@pytest.fixture
def parallel(prepare):
    return functools.partial(prepare, "parallel_text", input_key="en", target_key="de")


def pairs(builder, split="train"):
    return {
        (e["en"].decode(), e["de"].decode()) for e in builder.as_dataset(split).as_numpy_iterator()
    }


def test_pairs_of_all_splits_that_are_there(parallel, write, tmp_path):
    write("train.en", "a dog\n  two  \nlast")
    write("train.de", "ein Hund\r\nzwei\tß\nfin\n")
    write("validation.en", "x\n")
    write("validation.de", "y\n")
    builder = parallel()
    assert pairs(builder) == {("a dog", "ein Hund"), ("  two  ", "zwei\tß"), ("last", "fin")}
    assert pairs(builder, "validation") == {("x", "y")}
    assert set(builder.info.splits) == {"train", "validation"}
    assert builder.data_path == tmp_path / "data/parallel_text/mine/1.0.0"
    again = tfds.builder_from_directory(builder.data_path)  # without the raw folder
    assert pairs(again) == pairs(builder)
    assert again.info.metadata["train"]["examples"] == 3
    assert not builder.said


def test_only_a_line_feed_ends_a_line(parallel, write):
    awkward = "a\u2028b\x85c\x0bd\x0ce\x1cf\rg"
    write("train.en", f"{awkward}\nsecond\n")
    write("train.de", "\ufeffeins\nzwei\n")  # a byte order mark at the start goes
    assert pairs(parallel()) == {(awkward, "eins"), ("second", "zwei")}


def test_gzip(parallel, write):
    write("train.en.gz", gzip.compress(b"a\nb\n"))
    write("train.de", "c\nd\n")
    assert pairs(parallel()) == {("a", "c"), ("b", "d")}
    path = write("validation.en.gz", gzip.compress(b"a\nb\n" * 1000)[:-20])
    write("validation.de", "c\nd\n" * 1000)
    with pytest.raises(UserError, match=f"{path} cannot be read"):
        parallel(folder="other")


def test_pairs_with_an_empty_line_are_left_out_and_counted(parallel, write):
    write("train.en", "a\n\n \u00a0\nd\n\n")
    write("train.de", "a\nb\nc\n\n\n")
    builder = parallel()
    assert pairs(builder) == {("a", "a")}
    assert builder.said == ["mine: train: left out 4 pairs with an empty line"]
    assert builder.info.metadata["train"]["left_out"] == {"pairs with an empty line": 4}


@pytest.mark.parametrize("nothing", ["\ufeff", "\u200b", "\u2060\u00ad", "\u3164"])
def test_a_line_that_shows_nothing_is_empty(parallel, write, nothing):
    write("train.en", f"a\n{nothing}\n")
    write("train.de", "a\nb\n")
    builder = parallel()
    assert pairs(builder) == {("a", "a")}
    assert builder.said == ["mine: train: left out 1 pairs with an empty line"]


def test_files_that_were_joined_have_their_marks_in_the_middle(parallel, write):
    write("train.en", "\ufeffone\n\ufefftwo\n")
    write("train.de", "eins\nzwei\n")
    assert pairs(parallel()) == {("one", "eins"), ("two", "zwei")}


def test_lines_without_a_line_feed_are_refused(parallel, write):
    path = write("train.en", "one\rtwo\r")
    write("train.de", "eins\rzwei\r")
    with pytest.raises(UserError, match="ends its lines with carriage returns alone"):
        parallel()
    path.write_text("one\ntwo\n")
    with pytest.raises(UserError, match="train.de ends its lines with carriage returns alone"):
        parallel()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32-le"])
def test_utf_16_is_told(parallel, write, encoding):
    write("train.en", "one\ntwo\n".encode(encoding))
    write("train.de", "eins\nzwei\n".encode(encoding))
    with pytest.raises(UserError, match="broken.*not UTF-8, perhaps UTF-16"):
        parallel()


def test_a_line_beyond_the_limit_is_a_broken_example(parallel, write):
    write("train.en", HUNDRED.replace("line 7\n", "x" * 2**21 + "\n"))
    write("train.de", HUNDRED)
    builder = parallel()
    assert len(pairs(builder)) == 199
    assert builder.said == [
        "mine: train: left out 1 broken: train.en:8 (longer than 1,048,576 bytes)"
    ]


def test_broken_lines_are_skipped_up_to_a_limit(parallel, write):
    write("train.en", HUNDRED)
    write(
        "train.de",
        HUNDRED.encode().replace(b"line 17\n", b"\xff\n").replace(b"line 9\n", b"\xc3\n"),
    )
    builder = parallel()
    assert len(pairs(builder)) == 198
    names = "train.de:10 (not UTF-8), train.de:18 (not UTF-8)"
    assert builder.said == [f"mine: train: left out 2 broken: {names}"]


def test_more_broken_lines_stop_and_leave_nothing(parallel, write, tmp_path):
    write("train.de", HUNDRED)
    write("train.en", HUNDRED.encode().replace(b"line 1", b"\xff"))
    with pytest.raises(UserError, match=r"111 of 200.* than the 1%.*train.en:2 .*\.\.\."):
        parallel()
    assert [path.name for path in (tmp_path / "data/parallel_text/mine").iterdir()] == [
        "unfinished"
    ]
    write("train.en", HUNDRED)
    assert len(pairs(parallel())) == 200


def test_a_wrong_encoding_stops_early(parallel, write, monkeypatch):
    monkeypatch.setattr(ParallelText, "PIECE", 1001)
    write("train.en", "\n".join(map(str, range(5000))))
    write("train.de", b"\n".join([b"\xe4"] * 5000))
    with pytest.raises(UserError, match="1001 of 1001"):
        parallel()


def test_misaligned_files(parallel, write):
    en, de = write("train.en", "a\nb\nc\n"), write("train.de", "a\nb\n")
    with pytest.raises(UserError, match=f"{de} has 2, {en} has 3"):
        parallel()


@pytest.mark.parametrize(
    "files, message",
    [
        (
            {},
            "No training data in .*raw: expected .*.train.en and train.de, .*found: no such folder",
        ),
        ({"notes.txt": "a"}, "No training data.*found: notes.txt"),
        ({"train.en": "a"}, "There is no .*train.de, though train.en is there"),
        ({"train.en": "", "train.de": ""}, "train files hold no example"),
        ({"train.en": "\n\n", "train.de": "a\nb\n"}, "hold no example; 2 pairs with an empty line"),
    ],
)
def test_what_is_missing_is_said(parallel, write, files, message):
    for name, content in files.items():
        write(name, content)
    with pytest.raises(UserError, match=message):
        parallel()


@pytest.mark.parametrize(
    "names, told",
    [
        (("dev.en", "dev.de", "val.en", "val.de"), "validation split is there .* val and dev"),
        (("train.en.gz",), "both .*train.en and train.en.gz"),
    ],
)
def test_a_split_that_is_there_twice_is_refused(parallel, write, names, told):
    for name in ("train.en", "train.de", *names):
        write(name, gzip.compress(b"a\n") if name.endswith(".gz") else "a\n")
    with pytest.raises(UserError, match=told):
        parallel()
