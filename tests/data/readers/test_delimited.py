import functools
import gzip
import re

import numpy as np
import pytest
from PIL import Image as Picture

from t2t_mm.config.hold_out import HoldOut
from t2t_mm.data.held_out import HeldOut
from t2t_mm.data.writing import builder as writing
from t2t_mm.errors import UserError
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.image.spec import Image
from t2t_mm.modalities.language.spec import Language

MOOD = {
    "inputs": Language(vocab="words"),
    "targets": Categorical(labels="mood"),
    "input_key": "text",
    "target_key": "label",
}
MANY = "text,label\n" + "".join(f"text {i},{'glad' if i % 2 else 'sad'}\n" for i in range(300))


@pytest.fixture
def table(prepare):
    return functools.partial(prepare, "csv", **MOOD)


def rows(builder, split="train"):
    names = builder.info.features["label"].names
    data = builder.as_dataset(split).as_numpy_iterator()
    return {(each["text"].decode(), names[each["label"]]) for each in data}


def test_columns_by_name_of_all_splits_that_are_there(table, write, tmp_path):
    write("train.csv", '\ufeffid,label,text\r\n1,glad,so good\r\n2,sad,"oh, no"\r\n')
    write("dev.csv", "text,label\nhm,bored\n")
    builder = table()
    assert rows(builder) == {("so good", "glad"), ("oh, no", "sad")}
    assert rows(builder, "validation") == {("hm", "bored")}
    assert builder.data_path == tmp_path / "data/csv/mine/1.0.0"
    assert builder.info.features["label"].names == ["bored", "glad", "sad"]
    assert any("class that training never saw: 'bored'" in line for line in builder.said)


def test_cells_in_quotes_hold_line_breaks_and_doubled_quotes(table, write):
    write("train.csv", 'text,label\n"one\n""two"", three\r\n",glad\nnext,sad\n')
    assert rows(table()) == {('one\n"two", three\n', "glad"), ("next", "sad")}


def test_tabs(prepare, write):
    write("train.tsv.gz", gzip.compress(b"label\ttext\nglad\tone, two\nsad\tthree\n"))
    assert rows(prepare("tsv", **MOOD)) == {("one, two", "glad"), ("three", "sad")}


def test_a_split_in_several_files(table, write):
    for place in ("train/a.csv", "train/b.csv"):
        write(place, f"text,label\n{place},glad\n")
    write("train/.hidden.csv", "text,label\nhidden,glad\n")
    write("train/notes.txt", "notes")
    write("test-00000-of-00001.csv", "label,text\nglad,last\n")
    builder = table()
    assert rows(builder) == {("train/a.csv", "glad"), ("train/b.csv", "glad")}
    assert rows(builder, "test") == {("last", "glad")}


def test_empty_cells_and_lines_are_left_out_and_counted(table, write):
    write("train.csv", "text,label\na,glad\n\n,sad\nb, \nc,sad\n\n")
    builder = table()
    assert rows(builder) == {("a", "glad"), ("c", "sad")}
    assert set(builder.said) == {
        "mine: train: left out 2 empty lines",
        "mine: train: left out 2 rows with an empty cell",
    }


@pytest.mark.parametrize(
    "line, reason",
    [
        (b"a,b,glad\n", "3 cells, where the header has 2"),
        (b"alone\n", "1 cells, where the header has 2"),
        (b"\xff,glad\n", "not UTF-8"),
        (b'"quoted" text,glad\n', "',' expected after '\"'; quotes .* doubled within it"),
        (b'"never closed,glad\n', "quotes that begin a cell end it"),
        (b"x" * 2**21 + b",glad\n", "longer than 1,048,576 bytes"),
    ],
)
@pytest.mark.parametrize("place", [5, 301])
def test_a_broken_row_is_named_and_no_other_is_lost(table, write, line, reason, place):
    lines = MANY.encode().splitlines(keepends=True)
    lines.insert(place, line)
    write("train.csv", b"".join(lines))
    builder = table()
    assert len(rows(builder)) == 300
    assert re.search(rf"left out 1 broken: train.csv:{place + 1} \(.*{reason}", builder.said[0])


def test_more_broken_rows_stop(table, write):
    write("train.csv", MANY.replace("text 1,", "text,1,"))
    write("train.csv", MANY.replace("text 1", "text,1"))
    with pytest.raises(UserError, match=r"111 of 300.* than the 1%.*train.csv:3 \(3 cells"):
        table()


@pytest.mark.parametrize(
    "files, told",
    [
        ({}, "expected tables with the columns text and label .*train.csv.*found: no such folder"),
        ({"train.csv": ""}, "train.csv should begin with the names of its columns"),
        ({"train.csv": "\ntext,label\na,b\n"}, "its line 1 is empty"),
        ({"train.csv": "text;label\na;b\n"}, "no column 'text', only 'text;label'. Set input_key"),
        ({"train.csv": "text,text,label\na,b,c\n"}, "more than one column 'text': rename"),
        ({"train.csv": "text,label\n"}, "train files hold no example"),
        ({"train.csv": "text,label\n".encode("utf-16")}, "line 1 is not UTF-8, perhaps UTF-16"),
        ({"train.csv": MANY, "train.csv.gz": b""}, "both .*train.csv and .*train.csv.gz. Keep one"),
        ({"train.csv": MANY, "train.jsonl": "{}"}, "both .*train.csv and .*train.jsonl. Keep one"),
        ({"train.csv": MANY, "train/a.csv": MANY}, "both .*train.csv and .*train/a.csv. Keep one"),
        ({"train/a.csv": MANY, "train/a.csv.gz": b""}, "both .*a.csv and a.csv.gz. Keep one"),
        ({"train.csv": MANY, "val.csv": MANY, "dev.csv": MANY}, "more than once, as val and dev"),
        ({"train.jsonl": "{}"}, "expected tables .*found: train.jsonl"),
    ],
)
def test_what_is_wrong_with_files_is_said(table, write, files, told):
    for name, content in files.items():
        write(name, content)
    with pytest.raises(UserError, match=told):
        table()


def test_paths_of_pictures_start_at_the_folder(prepare, write, tmp_path):
    write("train.csv", "file,label\nshots/red.png,red\n" + f"{tmp_path}/black.png,black\n" * 2)
    (tmp_path / "raw/shots").mkdir()
    for path in (tmp_path / "raw/shots/red.png", tmp_path / "black.png"):
        Picture.new("RGB", (8, 9), path.stem).save(path)
    sides = MOOD | {"inputs": Image(size=8), "input_key": "file"}
    builder = prepare("csv", **sides)
    pixels = {tuple(each["file"][0, 0]) for each in builder.as_dataset("train").as_numpy_iterator()}
    assert pixels == {(0, 0, 0), (255, 0, 0)}
    assert set(builder.info.metadata["made_from"]["splits"]["train"]) == {
        "train.csv",
        "shots/red.png",
        f"{tmp_path}/black.png",
    }
    (tmp_path / "raw/shots/red.png").unlink()
    with pytest.raises(UserError, match=r"train.csv:2 \(its file: .*No such file.*shots/red.png"):
        prepare("csv", **sides, name="again")


def test_splits_are_held_out(write, tmp_path):
    from t2t_mm import registry

    write("train.csv", MANY)
    mine = type("Mine", (), {"name": "mine", "folder": "mine", **MOOD})()
    reader = registry.reader("csv")(mine, tmp_path / "raw", lambda line: None)
    builder = writing.prepare(HeldOut(reader, HoldOut.parse("validation:0.3")), tmp_path / "data")
    train, validation = rows(builder), rows(builder, "validation")
    assert len(train) + len(validation) == len(train | validation) == 300
    assert 60 < len(validation) < 120


def test_splits_that_share_inputs_are_told(table, write):
    write("train.csv", MANY)
    write("test.csv", "text,label\ntext 3,sad\nother,glad\n")
    assert any("1 of 2 test examples are in train as well" in line for line in table().said)


def test_names_and_numbers_of_classes_are_names(table, write):
    write("train.csv", "text,label\na,2\nb,0\nc,1\n")
    builder = table()
    assert rows(builder) == {("a", "2"), ("b", "0"), ("c", "1")}
    assert np.array_equal(builder.info.features["label"].names, ["0", "1", "2"])
