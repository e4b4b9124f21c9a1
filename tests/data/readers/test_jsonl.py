import functools
import gzip
import json

import pytest
from PIL import Image as Picture

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.image.spec import Image
from t2t_mm.modalities.language.spec import Language
from t2t_mm.problem import keys

TEXT = Language(vocab="words")
PAIRS = {"inputs": TEXT, "targets": TEXT, "input_key": "en", "target_key": "de"}
MANY = [f'{{"en": "line {i}", "de": "Zeile {i}", "more": [{i}]}}' for i in range(200)]


@pytest.fixture
def lines(prepare):
    return functools.partial(prepare, "jsonl", **PAIRS)


def pairs(builder, split="train"):
    data = builder.as_dataset(split).as_numpy_iterator()
    return {(each["en"].decode(), each["de"].decode()) for each in data}


def test_fields_by_name(lines, write):
    write("train.jsonl.gz", gzip.compress("\n".join(MANY).encode()))
    write("valid.jsonl", "")
    write("test.jsonl", '\ufeff{"de": "a\\nb", "en": "\\u00e9"}\r\n\n{"en": "c", "de": null}\n')
    builder = lines()
    assert len(pairs(builder)) == 200 and ("line 7", "Zeile 7") in pairs(builder)
    assert pairs(builder, "test") == {("é", "a\nb")}
    assert set(builder.said) == {
        "mine: test: left out 1 empty lines",
        "mine: test: left out 1 rows with an empty cell",
    }


def test_a_field_of_a_field(prepare, write, tmp_path):
    write("train.jsonl", '{"translation": {"en": "one", "de": "eins"}}\n')
    fields = {"input_key": "translation/en", "target_key": "translation/de"}
    builder = prepare("jsonl", **PAIRS | fields)
    (example,) = builder.as_dataset("train").as_numpy_iterator()
    assert example == {"translation": {"en": b"one", "de": b"eins"}}
    with pytest.raises(UserError, match="no translation/fr, only translation"):
        prepare("jsonl", **PAIRS | fields | {"target_key": "translation/fr"}, name="other")


def test_a_picture_in_a_field_of_a_field_is_read_as_it_is(prepare, write, tmp_path):
    write("train.jsonl", '{"photo": {"file": "a.png"}, "en": "one"}\n')
    Picture.new("RGB", (4, 4)).save(tmp_path / "raw/a.png")
    sides = {"inputs": Image(size=4), "targets": TEXT}
    builder = prepare("jsonl", **sides, input_key="photo/file", target_key="en")
    (example,) = keys.read(builder, "train", {"inputs": "photo/file"}, ["photo/file"], None)
    assert example["inputs"].numpy() == (tmp_path / "raw/a.png").read_bytes()


@pytest.mark.parametrize(
    "line, reason",
    [
        ("[1, 2]", "no JSON object"),
        ("{", "not JSON: Expecting property name"),
        ('{"en": NaN, "de": "a"}', "not JSON: NaN is no number"),
        ('{"en": "a", "en": "b", "de": "c"}', "not JSON: 'en' stands twice"),
        ('{"en": "a", "fr": "b"}', "no de, only en, fr"),
        ("{}", "no en, only nothing"),
        ('{"en": 3, "de": "b"}', "its en: text expected, not int: 3"),
        ('{"en": "\\ud800", "de": "b"}', "its en: not UTF-8"),
        ('{"en": ' + "[" * 100_000, "nested too deep"),
        ('{"en": "' + "x" * 2**20 + '"}', "longer than 1,048,576 bytes"),
        (b'{"en": "\xff"}', "not UTF-8"),
    ],
)
def test_a_line_that_is_no_example_is_named(lines, write, line, reason):
    content = [each.encode() for each in MANY]
    content.insert(4, line if isinstance(line, bytes) else line.encode())
    write("train.jsonl", b"\n".join(content))
    builder = lines()
    assert len(pairs(builder)) == 200
    assert builder.said[0].startswith(f"mine: train: left out 1 broken: train.jsonl:5 ({reason}")


def test_more_of_them_stop(lines, write):
    write("train.jsonl", "\n".join(MANY + ["{}"] * 3))
    with pytest.raises(UserError, match="3 of 203 train examples are broken.*train.jsonl:201"):
        lines()


def test_classes_are_numbers_or_names(prepare, write):
    sides = PAIRS | {"targets": Categorical(labels="size")}
    write("train.jsonl", "".join(json.dumps({"en": f"{i}", "de": i % 3}) + "\n" for i in range(9)))
    assert prepare("jsonl", **sides).info.features["de"].num_classes == 3
    write("train.jsonl", '{"en": "a", "de": "small"}\n{"en": "b", "de": 1}\n')
    with pytest.raises(UserError, match="mixed: in its targets, .*all names or all numbers"):
        prepare("jsonl", **sides, name="mixed")
    write("train.jsonl", '{"en": "a", "de": 20261126}\n')
    with pytest.raises(UserError, match="more than 4,194,304 classes.*Is it another column"):
        prepare("jsonl", **sides, name="dates")


def test_all_layouts_are_registered_with_a_line_each():
    described = {each.name: each.description for each in registry.entries("reader")}
    for name in ("csv", "tsv", "jsonl", "parquet"):
        assert "per example" in described[name]
