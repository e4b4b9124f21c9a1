"""What is odd about a data set as a whole is told, with counts."""

import collections
import unicodedata

import pytest

from t2t_mm.data.writing import checks


def split(identities, **classes):
    """A split of examples with these identities, small numbers, and these counts of classes."""
    given = [number.to_bytes(8, "little") for number in identities]
    counts = {"label": {str(number): count for number, count in classes.get("label", {}).items()}}
    return checks.Split(len(given), lambda: iter(given), counts if classes else {})


def told(splits, **classes):
    said = []
    checks.tell(splits, classes, said.append)
    return said


def label(*names):
    return list(names)


def test_splits_that_share_examples_are_told_with_counts():
    splits = {"train": split(range(100)), "validation": split(range(90, 120)), "test": split([91])}
    assert sorted(told(splits)) == [
        "1 of 1 test examples are in train as well: scores on test say little about new data",
        "1 of 1 test examples are in validation as well",
        "10 of 30 validation examples are in train as well: "
        "scores on validation say little about new data",
    ]


def test_copies_within_a_split_are_counted_each():
    splits = {"train": split([1, 1, 2, 3, 4]), "validation": split([1, 1, 7])}
    assert told(splits)[0].startswith("2 of 3 validation examples are in train")


def test_of_equal_sizes_it_is_the_other_split_that_is_said_to_be_in_train():
    splits = {"train": split(range(9)), "validation": split(range(9))}
    assert told(splits)[0].startswith("9 of 9 validation examples are in train")


def test_memory_is_bounded_by_a_sample(monkeypatch):
    monkeypatch.setattr(checks, "SAMPLE", 100)
    held = []
    counter = collections.Counter

    def counted(*args):
        held.append(counter(*args))
        return held[-1]

    monkeypatch.setattr(checks.collections, "Counter", counted)
    splits = {"train": split(range(3000)), "validation": split(range(2000, 4000))}
    (line,) = told(splits)
    assert line.startswith("about 1,000 of 2,000 validation examples are in train")
    assert max(map(len, held)) <= 100


def test_one_class_alone_is_told():
    splits = {"train": split(range(3), label={0: 3})}
    (line,) = told(splits, label=label("flowers"))
    assert line.startswith("all 3 training examples are of one class, 'flowers'")


NFC, NFD = (unicodedata.normalize(form, "Rosé") for form in ("NFC", "NFD"))


@pytest.mark.parametrize("one, other", [("rose", "Rose"), (NFC, NFD), ("glad", "\ufeffglad")])
def test_a_class_that_training_never_saw_is_told(one, other):
    splits = {
        "train": split(range(8), label={0: 5, 1: 3}),
        "validation": split(range(8, 12), label={1: 1, 2: 3}),
    }
    unseen, alike = told(splits, label=label(one, "tulip", other))
    assert unseen == (
        f"3 of 4 validation examples are of a class that training never saw: {other!a} "
        f"(like {one!a})"
    )
    assert alike == (f"classes that look alike are taken for different ones: {one!a} and {other!a}")


def test_classes_without_examples_are_told_where_they_have_names():
    splits = {"train": split(range(4), label={0: 2, 1: 2})}
    assert told(splits, label=label("a", "b", "Thumbs.db")) == [
        "classes without any example: 'Thumbs.db'"
    ]
    assert told(splits, label=label("0", "1", "2", "3")) == []


def test_nothing_is_said_of_a_test_folder_alone():
    splits = {"test": split(range(4), label={0: 4})}
    assert told(splits, label=label("a")) == []
