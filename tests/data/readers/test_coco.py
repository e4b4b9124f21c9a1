import io
import json
import types

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from t2t_mm import registry
from t2t_mm.data.readers.coco import Coco
from t2t_mm.errors import UserError
from t2t_mm.modalities.language.spec import Language


def picture(mode="RGB", form="PNG", size=(40, 10)):
    file = io.BytesIO()
    Image.new(mode, size).save(file, form)
    return file.getvalue()


@pytest.fixture
def coco(prepare, write):
    def run(pictures, captions, year="2017", name="train"):
        """pictures: {file name: content}; captions: [(number of the picture, text)]."""
        images = [{"id": number, "file_name": file} for number, file in enumerate(pictures)]
        notes = [
            {"id": i, "image_id": number, "caption": text}
            for i, (number, text) in enumerate(captions)
        ]
        write(
            f"annotations/captions_{name}{year}.json",
            json.dumps({"images": images, "annotations": notes}),
        )
        for file, content in pictures.items():
            if content is not None:
                write(f"{name}{year}/{file}", content)
        return lambda: prepare("coco")

    return run


def rows(builder, split="train"):
    data = builder.as_dataset(
        split, decoders={"image": tfds.decode.SkipDecoding()}
    ).as_numpy_iterator()
    return {
        row["filename"].decode(): [text.decode() for text in row["captions"]["text"]]
        for row in data
    }


def test_pictures_with_their_captions(coco):
    coco({"v.png": picture()}, [(0, "ein Bild")], name="val", year="2014")
    kinds = {
        "a.png": picture("RGBA"),
        "b.jpg": picture("L", "JPEG"),
        "c.jpg": picture("CMYK", "JPEG"),
    }
    builder = coco(kinds, [(0, "one"), (1, "two"), (0, "three"), (2, "four ✓")])()
    assert rows(builder) == {"a.png": ["one", "three"], "b.jpg": ["two"], "c.jpg": ["four ✓"]}
    assert rows(builder, "validation") == {"v.png": ["ein Bild"]}
    assert not builder.said


def test_captions_are_lines(coco):
    texts = ["Two dogs.\n", "one\nline\r\nor\u2028two\tmore", " a  b ", "\u200b\n"]
    builder = coco({"a.png": picture()}, [(0, text) for text in texts])()
    assert rows(builder) == {"a.png": ["Two dogs.", "one line or two more", "a b"]}


def test_captions_of_the_stock_data_set_are_lines_too(monkeypatch):
    problem = registry.problem("coco_captions")
    monkeypatch.setattr(Language, "encode", lambda self, value, *args: value)
    assert problem.encode_targets(tf.constant("Two\n dogs.\n")).numpy() == b"Two dogs."


def test_what_has_no_partner_is_left_out(coco):
    builder = coco({"a.png": picture(), "b.png": picture()}, [(0, "one"), (7, "lost"), (1, "  ")])()
    assert rows(builder) == {"a.png": ["one"]}
    assert builder.said == [
        "mine: train: left out 1 pictures without a caption",
        "mine: train: left out 1 captions of pictures that are not listed",
    ]


def test_all_items_are_counted_before(coco, tmp_path):
    coco({"a.png": picture()}, [(0, "one"), (7, "lost"), (7, "lost too")])
    reader = Coco(types.SimpleNamespace(folder="mine"), tmp_path / "raw")
    source = reader.sources["train"]
    assert reader.total(source) == len(list(reader.items(source))) == 3


def test_two_years_of_one_split_are_refused(coco):
    coco({"a.png": picture()}, [(0, "one")], year="2014")
    with pytest.raises(UserError, match="captions_train2014.json and captions_train2017.json"):
        coco({"b.png": picture()}, [(0, "two")])()


def test_files_of_captions_are_those_of_the_split_alone(coco):
    coco({"v.png": picture()}, [(0, "ein Bild")], name="val", year="2014")
    coco({"w.png": picture()}, [(0, "noch eins")], name="validation", year="")
    with pytest.raises(UserError, match="the validation split is there .* validation and val"):
        coco({"a.png": picture(size=(3, 3))}, [(0, "one")])()


def test_an_id_of_two_pictures_is_refused(prepare, write):
    images = [{"id": 4, "file_name": "a.png"}, {"id": 4, "file_name": "b.png"}]
    notes = [{"image_id": 4, "caption": "one"}]
    for name in ("a.png", "b.png"):
        write(f"train2017/{name}", picture())
    path = "annotations/captions_train2017.json"
    write(path, json.dumps({"images": images, "annotations": notes}))
    with pytest.raises(UserError, match="the id 4 stands for 'a.png' and for 'b.png'"):
        prepare("coco")
    write(path, json.dumps({"images": images[:1] * 2, "annotations": notes}))
    assert rows(prepare("coco")) == {"a.png": ["one"]}


def test_pictures_that_two_years_share_are_told(coco):
    coco({"COCO_7.png": picture(), "8.png": picture("L")}, [(0, "a"), (1, "b")], "2014", "val")
    builder = coco({"7.png": picture(), "9.png": picture(size=(3, 3))}, [(0, "c"), (1, "d")])()
    assert builder.said == [
        "mine: 1 of 2 validation examples are in train as well: "
        "scores on validation say little about new data"
    ]


def test_a_caption_that_is_no_text_is_named(coco):
    with pytest.raises(UserError, match="1 of 2 train examples are broken.*train2017/b.png"):
        coco({"a.png": picture(), "b.png": picture()}, [(0, "one"), (1, "half a pair: \ud800")])()


@pytest.mark.parametrize(
    "content, reason",
    [
        (None, "No such file"),
        (b"", "empty file"),
        (picture()[:40], "."),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not a known picture format"),
        (picture(mode="1", size=(13_000, 13_000)), "make it smaller"),
    ],
)
def test_a_broken_picture_is_named(coco, content, reason):
    with pytest.raises(
        UserError, match=f"1 of 2 train examples are broken.*train2017/b.png .*{reason}"
    ):
        coco({"a.png": picture(), "b.png": content}, [(0, "one"), (1, "two")])()


def test_a_picture_that_is_no_file_is_named(coco, tmp_path):
    prepared = coco({"a.png": picture(), "b.png": None}, [(0, "one"), (1, "two")])
    (tmp_path / "raw" / "train2017" / "b.png").symlink_to("/dev/zero")
    with pytest.raises(UserError, match="train2017/b.png .*not a regular file"):
        prepared()


def test_a_folder_that_is_missing(prepare, write):
    write("annotations/captions_train2017.json", '{"images": [], "annotations": []}')
    with pytest.raises(
        UserError, match="There is no folder .*train2017, where captions_train2017.json"
    ):
        prepare("coco")


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "[]",
        '{"images": [{"id": 1}], "annotations": []}',
        "no json",
        '{"images": [{"id": 1, "file_name": 5}], "annotations": []}',
        '{"images": ' + "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
    ],
)
def test_annotations_that_are_none(prepare, write, content):
    write("annotations/captions_train2017.json", content)
    write("train2017/a.png", picture())
    with pytest.raises(UserError, match="captions_train2017.json is not a COCO captions file"):
        prepare("coco")


def test_values_are_numpy(coco):
    builder = coco({"a.png": picture()}, [(0, "one")])()
    (row,) = builder.as_dataset("train").as_numpy_iterator()
    assert row["image"].shape == (10, 40, 3) and row["image"].dtype == np.uint8
