"""Splits that are cut from the training examples."""

import numpy as np
import pytest

from t2t_mm.data import held_out, prepare
from t2t_mm.data.writing.options import Options
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.language.spec import Language
from t2t_mm.problem.base import Problem

WORDS = Language(vocab="words", size=280)


class Pairs(Problem):
    """Line-aligned text."""

    name = "pairs"
    raw_layout = "parallel_text"
    command = "to-german"
    inputs, targets = WORDS, WORDS
    input_key, target_key = "en", "de"


class Mood(Problem):
    """A `generate` of one split."""

    name = "mood"
    command = "to-mood"
    inputs, targets = WORDS, Categorical(labels="mood")
    hold_out = "validation:0.2+test:0.2"
    rows = tuple((f"text {i}", "glad" if i % 2 else "sad") for i in range(200))

    def generate(self, split, raw_dir):
        if split == "train":
            yield from ({"inputs": text, "targets": label} for text, label in self.rows)


@pytest.fixture
def splits(tmp_path):
    """Prepares a problem and gives {split: its inputs} and what was said."""

    def run(problem, data, **options):
        said = []
        raw = tmp_path / "raw"
        raw.mkdir(exist_ok=True)
        prepare.prepare([problem], tmp_path / data, raw, said.append, Options(**options))
        problem = problem.located(tmp_path / data)
        found = {
            split: {each["inputs"] for each in problem.examples(split).as_numpy_iterator()}
            for split in problem.splits()
        }
        return found, said

    return run


def write(raw, lines, split="train"):
    (raw / "pairs").mkdir(parents=True, exist_ok=True)
    for key in ("en", "de"):
        (raw / f"pairs/{split}.{key}").write_text("".join(f"{key} {line}\n" for line in lines))


def test_splits_are_cut_from_one_file_and_stay_as_it_grows(splits, tmp_path):
    option = {"hold_out": "validation:0.2+test:0.2"}
    write(tmp_path / "raw", range(200))
    before, said = splits(Pairs(), "one", **option)
    assert list(before) == ["train", "validation", "test"]
    assert sum(map(len, before.values())) == 200 and len(set.union(*before.values())) == 200
    assert 20 < len(before["validation"]) < 60 and 20 < len(before["test"]) < 60
    assert not any("as well" in line for line in said)
    # longer, in another order, with copies
    write(tmp_path / "raw", [*reversed(range(300)), *range(200)])
    after, said = splits(Pairs(), "two", **option)
    assert all(before[split] <= after[split] for split in before)
    assert not any("as well" in line for line in said)
    seeded, _ = splits(Pairs(), "three", hold_out="validation:0.2+test:0.2+seed:7")
    assert seeded["test"] != after["test"]


def test_a_split_with_files_of_its_own_is_not_cut(splits, tmp_path):
    write(tmp_path / "raw", range(100))
    write(tmp_path / "raw", range(500, 510), "validation")
    found, _ = splits(Pairs(), "data", hold_out="validation:0.5+test:0.2")
    assert found["validation"] == {f"en {i}".encode() for i in range(500, 510)}
    assert len(found["train"]) + len(found["test"]) == 100 and len(found["test"]) > 5


def test_what_is_broken_counts_once(splits, tmp_path):
    write(tmp_path / "raw", range(400))
    for key in ("en", "de"):
        with open(tmp_path / f"raw/pairs/train.{key}", "ab") as file:
            file.write(b"\n\xff\n")
    _, said = splits(Pairs(), "data", hold_out="validation:0.1")
    assert sum("left out" in line for line in said) == 2
    assert all(line.startswith("pairs: train: ") for line in said if "left out" in line)


def test_a_problem_says_it_itself_and_new_classes_move_nothing(splits):
    before, _ = splits(Mood(), "one")

    class Wider(Mood):
        name = "mood"
        rows = (("new", "angry"), *Mood.rows)

    after, _ = splits(Wider(), "two")
    assert {split: len(texts) for split, texts in before.items()}.keys() == {
        "train",
        "validation",
        "test",
    }
    assert all(before[split] <= after[split] for split in before)


@pytest.mark.parametrize("one, other", [("ab", b"ab"), ([1, 2], (1, 2)), ({"a": 1}, {"a": 1})])
def test_equal_values_are_equal_bytes(one, other):
    assert held_out._content(one) == held_out._content(other)


def test_other_values_are_other_bytes():
    values = [np.zeros(4, np.int16), np.zeros(2, np.int32), np.zeros((2, 2), np.int16), 1, "1", []]
    assert len({held_out._content(value) for value in values}) == len(values)
