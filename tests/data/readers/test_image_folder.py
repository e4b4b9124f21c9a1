import io
import os

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from t2t_mm.data.readers import image_folder
from t2t_mm.errors import UserError

SHADES = np.linspace(0, 255, 40 * 30 * 3).reshape(40, 30, 3).astype(np.uint8)


def encoded(form="JPEG", mode="RGB"):
    file = io.BytesIO()
    deep = Image.fromarray(
        SHADES.mean(-1).astype(np.uint16) * 257
    )  # Pillow has no conversion to 16 bits
    (deep if mode == "I;16" else Image.fromarray(SHADES).convert(mode)).save(file, form)
    return file.getvalue()


def encoded_colour(colour):
    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "PNG")
    return file.getvalue()


def labelled(builder, split="train"):
    names = builder.info.features["label"].names
    data = builder.as_dataset(split, decoders={"image": tfds.decode.SkipDecoding()})
    return [(names[e["label"]], e["image"]) for e in data.as_numpy_iterator()]


def test_classes_are_the_folders_of_all_splits(prepare, write):
    jpeg = encoded()
    write("train/rose/a.jpg", jpeg)
    write("train/rose/deeper/b.JPEG", jpeg)
    write("train/daisy/a.jpg", jpeg)
    write("val/tulip/c.png", encoded("PNG"))
    write("train/empty/.keep", "")
    write("train/README.txt", "beside the classes")
    builder = prepare("image_folder")
    assert builder.info.features["label"].names == ["daisy", "rose", "tulip"]
    assert sorted(labelled(builder)) == [("daisy", jpeg), ("rose", jpeg), ("rose", jpeg)]
    assert labelled(builder, "validation") == [("tulip", encoded("PNG"))]
    assert set(builder.info.splits) == {"train", "validation"}
    assert builder.said == [
        "mine: 1 of 1 validation examples are of a class that training never saw: 'tulip'"
    ]


@pytest.mark.parametrize(
    "form, mode, kept",
    [
        ("JPEG", "RGB", True),
        ("JPEG", "L", True),
        ("PNG", "RGB", True),
        ("PNG", "RGBA", True),
        ("PNG", "P", True),
        ("PNG", "1", True),
        ("PNG", "I;16", True),
        ("GIF", "P", True),
        ("BMP", "RGB", False),
        ("BMP", "P", False),
        ("BMP", "1", False),
        ("TIFF", "RGB", False),
        ("WEBP", "RGB", False),
    ],
)
def test_every_kind_of_image_can_be_decoded(form, mode, kept):
    content = encoded(form, mode)
    stored = image_folder.decodable(content)
    assert (stored == content) == kept
    pixels = tf.io.decode_image(stored, channels=3, expand_animations=False).numpy()
    assert pixels.shape == SHADES.shape
    if mode != "1" and form != "WEBP":
        grey = SHADES.mean(-1) if mode in ("L", "I;16") else pixels.mean(-1)
        assert np.abs(grey - SHADES.mean(-1)).mean() < 12


def test_cmyk_keeps_its_colours():
    red = np.zeros([16, 16, 3], np.uint8) + np.array([200, 10, 10], np.uint8)
    file = io.BytesIO()
    Image.fromarray(red).convert("CMYK").save(file, "JPEG", quality=95)
    pixels = tf.io.decode_image(image_folder.decodable(file.getvalue()), channels=3).numpy()
    assert np.abs(pixels.astype(int) - red).max() < 12


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8\xff",
        b"<html></html>",
        encoded()[:300],
        encoded("PNG")[:200],
        encoded("GIF")[:100],
        encoded("TIFF")[:200],
    ],
)
def test_broken_images_are_refused(content):
    with pytest.raises(ValueError):
        image_folder.decodable(content)


def test_broken_images_are_skipped_up_to_a_limit(prepare, write):
    small = encoded()
    for i in range(199):
        write(f"train/a/{i:03}.jpg", small)
    write("train/b/cut.jpg", small[:-100])
    write("train/b/.hidden.jpg", "x")
    write("train/b/Thumbs.db", "x")
    write("train/b/an_image_without_an_ending", small)
    write("train/b/another", encoded("WEBP"))
    builder = prepare("image_folder")
    assert len(labelled(builder)) == 201
    assert builder.said[0] == "mine: train: left out 1 files that are no images"
    assert "left out 1 broken: train/b/cut.jpg (image file is truncated" in builder.said[1]


@pytest.mark.parametrize(
    "kind, reason",
    [
        ("pipe", "not a regular file"),
        ("device", "not a regular file"),
        ("sparse", "bytes long, where 268,435,456 are the most"),
        ("program", "not a known picture format"),
        ("bomb", "13,000×13,000 pixels, where 67,108,864 in all"),
    ],
)
def test_what_would_do_harm_is_a_broken_example(prepare, write, kind, reason):
    write("train/a/good.jpg", encoded())
    path = write("train/a/bad.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    if kind == "bomb":
        Image.new("1", (13_000, 13_000)).save(path, "PNG")
    elif kind != "program":
        path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "sparse":
        with open(path, "wb") as file:
            file.truncate(50 * 2**30)
    with pytest.raises(UserError, match=f"1 of 2 train examples are broken.*bad.jpg .*{reason}"):
        prepare("image_folder")


def test_a_long_file_that_is_no_image_is_left_out(prepare, write):
    write("train/a/good.jpg", encoded())
    with open(write("train/a/notes", b""), "wb") as file:
        file.truncate(50 * 2**30)
    builder = prepare("image_folder")
    assert "mine: train: left out 1 files that are no images" in builder.said


def test_one_broken_image_of_a_few_stops(prepare, write):
    write("train/a/good.jpg", encoded())
    write("train/a/bad.jpg", encoded()[:-50])
    with pytest.raises(
        UserError, match="1 of 2 train examples are broken.*train/a/bad.jpg .*truncated"
    ):
        prepare("image_folder")


def test_what_was_done_before_a_class_went_is_done_again(prepare, write):
    red, blue = (encoded_colour(colour) for colour in ("red", "blue"))
    for number in range(5):
        write(f"train/cat/{number}.png", red)
        write(f"train/dog/{number}.png", blue)
    stray = write("validation/backup/x.jpg", b"\xff\xd8\xffno picture")
    with pytest.raises(UserError, match="validation/backup/x.jpg .*Repair or remove them"):
        prepare("image_folder")  # the training split is done
    stray.unlink()
    assert sorted(labelled(prepare("image_folder"))) == sorted([("cat", red), ("dog", blue)] * 5)


@pytest.mark.parametrize(
    "files, message",
    [
        ({}, "expected one folder per class .train/<class>/<picture>"),
        ({"train/a.jpg": "x"}, "expected one folder per class .train/<class>/<picture>"),
        ({"train/a/notes.txt": "x"}, "hold no example; 1 files that are no images"),
    ],
)
def test_what_is_missing_is_said(prepare, write, files, message):
    for name, content in files.items():
        write(name, content)
    with pytest.raises(UserError, match=message):
        prepare("image_folder")


def test_a_split_without_classes_is_not_read(prepare, write):
    write("train/a/good.jpg", encoded())
    write("test/unlabelled.jpg", encoded())
    builder = prepare("image_folder")
    assert set(builder.info.splits) == {"train"} and "has no class folders" in builder.said[0]
