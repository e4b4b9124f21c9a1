"""Data sets of other libraries. Hugging Face's `datasets` is not needed: a small stand-in offers
what one of its data sets does."""

import types

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as Picture

from t2t_mm.data.readers.columns import named
from t2t_mm.errors import UserError
from t2t_mm.modalities.audio.spec import Audio
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.image.spec import Image
from t2t_mm.modalities.language.spec import Language

TEXT = Language(vocab="words")
MOOD = Categorical(labels="mood")
NAMES = types.SimpleNamespace(names=["sad", "glad"])  # a ClassLabel


class HuggingFace:
    """A stand-in for datasets.Dataset: {column: (its feature, values)}."""

    def __init__(self, **columns):
        self.columns = columns
        self.features = {name: feature for name, (feature, _) in columns.items()}

    def select_columns(self, names):
        return HuggingFace(**{name: self.columns[name] for name in names})

    def __iter__(self):
        for values in zip(*(values for _, values in self.columns.values()), strict=True):
            yield dict(zip(self.columns, values, strict=True))


class Decoder:
    """A stand-in for the decoder of a sound: it can't be copied to another process."""

    get_all_samples = None

    def __getitem__(self, name):
        return {"array": np.sin(np.arange(1600)).astype(np.float32), "sampling_rate": 16000}[name]

    def __reduce__(self):
        raise TypeError("not to be pickled")


@pytest.fixture
def load(prepare):
    """Prepares a problem whose `generate` returns a data set."""

    def run(found, inputs=TEXT, targets=MOOD, keys=("text", "label"), **problem):
        def generate(split, raw_dir):
            return found(split) if callable(found) else found

        keys = dict(zip(("input_key", "target_key"), keys, strict=True))
        sides = {"inputs": inputs, "targets": targets}
        return prepare("generated", **sides, **keys, generate=generate, **problem)

    return run


def rows(builder, split="train"):
    return sorted(tuple(e.values()) for e in builder.as_dataset(split).as_numpy_iterator())


def test_a_dict_of_splits_with_classes_by_name(load):
    def split(*pairs):
        texts, labels = zip(*pairs, strict=True)
        unread = (None, [NotImplemented] * len(texts))
        return HuggingFace(text=(None, texts), label=(NAMES, labels), more=unread)

    builder = load(
        {"train": split(("so good", 1), ("oh no", 0), ("?", -1)), "validation": split(("hm", 0))}
    )
    assert builder.info.features["label"].names == ["glad", "sad"]
    assert rows(builder) == [(0, b"so good"), (1, b"oh no")]
    assert rows(builder, "validation") == [(1, b"hm")]
    assert builder.said == ["mine: train: left out 1 rows with an empty cell"]


def test_numbers_without_names_stay_numbers():
    assert [named(each, ["a"]) for each in (0, np.int64(0), -1, 1, "b", None)] == [
        "a",
        "a",
        None,
        1,
        "b",
        None,
    ]
    assert named(-1, []) == -1


def test_pictures_and_sounds_that_are_decoded(load):
    pictures = [Picture.new("RGB", (8, 8), "red"), Picture.new("L", (8, 8), 0)]
    sounds = [Decoder(), {"array": np.zeros([800]), "sampling_rate": 8000, "path": None}]
    found = HuggingFace(picture=(None, pictures), sound=(None, sounds))
    keys = ("picture", "sound")
    builder = load({"train": found}, Image(size=8), Audio(sample_rate=8000), keys)
    pixels = {tuple(picture[0, 0]) for picture, _ in rows_of(builder)}
    assert pixels == {(255, 0, 0), (0, 0, 0)}
    assert {len(sound) for _, sound in rows_of(builder)} == {800}


def rows_of(builder):
    return [
        (each["picture"], each["sound"]) for each in builder.as_dataset("train").as_numpy_iterator()
    ]


def test_fields_of_a_column_and_a_data_set_of_one_split(load):
    pairs = [{"en": "one", "de": "eins"}, {"en": "two", "de": "zwei"}]
    found = HuggingFace(translation=(None, pairs))
    keys = ("translation/en", "translation/de")
    builder = load(lambda split: found if split == "train" else [], targets=TEXT, keys=keys)
    examples = [each["translation"] for each in builder.as_dataset("train").as_numpy_iterator()]
    assert {(each["en"], each["de"]) for each in examples} == {(b"one", b"eins"), (b"two", b"zwei")}
    assert set(builder.info.splits) == {"train"}


def test_tf_data_of_dicts_and_of_pairs(load):
    columns = {"text": ["a", "b"], "label": ["glad", "sad"], "more": [1, 2]}
    builder = load({"train": tf.data.Dataset.from_tensor_slices(columns)})
    assert builder.info.features["label"].names == ["glad", "sad"]
    assert rows(builder) == [(0, b"a"), (1, b"b")]
    pairs = tf.data.Dataset.from_tensor_slices((np.zeros([4, 8, 8, 3], np.uint8), [0, 1, 2, 1]))
    builder = load({"train": pairs}, Image(size=8), name="pairs")
    assert builder.info.splits["train"].num_examples == 4


def test_what_is_no_such_data_set_is_told(load):
    found = HuggingFace(text=(None, ["a"]), mood=(NAMES, [1]))
    with pytest.raises(
        UserError,
        match="mine: the data set of its generate has no column 'label', only 'text', 'mood'",
    ):
        load({"train": found})
    with pytest.raises(UserError, match="dicts of columns, or pairs of inputs and targets, not"):
        load({"train": tf.data.Dataset.range(3)})
    with pytest.raises(UserError, match="must yield examples, but it returns .*'trial'"):
        load({"trial": found})
    with pytest.raises(UserError, match="No training data.*generate"):
        load({"train": []})
    with pytest.raises(UserError, match='must yield {"text": ..., "label": ...} and no other keys'):
        load([{"inputs": "a", "targets": 0}])
