"""Preparation: raw folders, stock data sets and their failures, vocabularies over all text that
names them."""

import json
import os

import pytest
import tensorflow_datasets as tfds

from t2t_mm import registry
from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.data import prepare, vocabularies
from t2t_mm.errors import UserError
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.language.spec import Language
from t2t_mm.problem import locate
from t2t_mm.problem.base import Problem
from t2t_mm.runs.directory import OutputDir
from tests.data.text_problems import WORDS, own, run, write


def test_preparing_says_what_there_is_and_does_nothing_twice(tmp_path):
    write(tmp_path / "raw", "first")
    said = run([own("first")], tmp_path)
    assert said[0].startswith("first: 30 train, 30 validation examples in ")
    assert (
        said[1].startswith("vocabulary words: ")
        and "30 lines of first inputs, 30 lines of first targets" in said[1]
    )
    files = {
        path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*") if path.is_file()
    }
    assert run([own("first")], tmp_path, raw=None)[0].startswith("first: 30 train")
    assert files == {
        path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*") if path.is_file()
    }


def test_a_vocabulary_is_trained_on_all_who_name_it_each_text_once(tmp_path):
    write(tmp_path / "raw", "first")
    write(tmp_path / "raw", "second")
    back = own("back", raw_folder="first", input_key="de", target_key="en")
    run(
        [
            own("first"),
            own("first").reversed(),
            back,
            own("second"),
            own(
                "else",
                raw_folder="first",
                inputs=Language(vocab="alone", size=280),
                targets=Categorical(labels="x", num_classes=9),
            ),
        ],
        tmp_path,
    )
    record = json.loads((tmp_path / "data/vocabs/words.json").read_text())
    assert [(s["problem"], s["side"], s["lines"]) for s in record["sources"]] == [
        ("first", "inputs", 30),
        ("first", "targets", 30),
        ("second", "inputs", 30),
        ("second", "targets", 30),
    ]
    assert (
        json.loads((tmp_path / "data/vocabs/alone.json").read_text())["sources"][0]["problem"]
        == "else"
    )


def test_prepared_registered_problems_are_in_the_vocabulary_of_a_later_run(tmp_path):
    write(tmp_path / "raw", "wmt_ende")
    prepare.prepare_data(registry.problem("wmt_ende"), tmp_path / "data", tmp_path / "raw")
    write(tmp_path / "raw", "first")
    run([own("first", inputs=Language(vocab="wmt_8k"), targets=Language(vocab="wmt_8k"))], tmp_path)
    record = json.loads((tmp_path / "data/vocabs/wmt_8k.json").read_text())
    assert {source["data"] for source in record["sources"]} == {
        f"parallel_text/{name}/1.0.0:{language}"
        for name in ("first", "wmt_ende")
        for language in ("en", "de")
    }


def test_a_vocabulary_that_is_there_stays_and_who_joins_is_told(tmp_path):
    write(tmp_path / "raw", "first")
    write(tmp_path / "raw", "second")
    run([own("first")], tmp_path)
    before = (tmp_path / "data/vocabs/words.model").read_bytes()
    said = run([own("first"), own("second")], tmp_path)
    assert (tmp_path / "data/vocabs/words.model").read_bytes() == before
    assert (
        "second inputs, second targets joins it as it is, trained on first inputs, first targets"
        in said[-1]
    )


def test_no_more_text_than_teaches_anything(tmp_path, monkeypatch):
    monkeypatch.setattr(vocabularies, "CHARACTERS_PER_PIECE", 1)
    write(tmp_path / "raw", "first")
    run([own("first")], tmp_path)
    lines = [
        s["lines"] for s in json.loads((tmp_path / "data/vocabs/words.json").read_text())["sources"]
    ]
    assert all(140 / 11 <= count < 30 for count in lines)  # 140 characters of at most 11 a line


def test_specs_of_one_vocabulary_must_agree(tmp_path):
    write(tmp_path / "raw", "first")
    with pytest.raises(
        UserError,
        match="vocabulary 'words' is asked for as .*size=280.* and .by other. as .*size=999",
    ):
        run(
            [
                own("first"),
                own("other", raw_folder="first", inputs=Language(vocab="words", size=999)),
            ],
            tmp_path,
        )


def test_a_vocabulary_that_can_not_be_is_refused_before_data_is_made(tmp_path):
    write(tmp_path / "raw", "first")
    small = Language(vocab="words", size=260)
    with pytest.raises(UserError, match="words is to have 260 pieces.*at least 261"):
        run([own("first", inputs=small, targets=small)], tmp_path)
    with pytest.raises(UserError, match="vocabulary 'words' is asked for as"):
        run([own("first"), own("second", inputs=small)], tmp_path)
    assert not (tmp_path / "data").exists()


def test_problems_that_a_model_can_not_tell_apart_are_told(tmp_path):
    for name in ("first", "second", "third"):
        write(tmp_path / "raw", name)
    problems = [own("first", command="to-german"), own("second", command="to-german")]
    problems.append(own("third", command="to-french"))
    run(problems, tmp_path)
    told = []
    prepare.resolve(problems, tmp_path / "data", log=told.append)
    (line,) = told
    assert line.startswith("first and second have the same inputs, targets and command ('to-ger")


def test_resolve_checks_all_together(tmp_path):
    write(tmp_path / "raw", "first")
    run([own("first")], tmp_path)
    first, back = prepare.resolve([own("first"), own("first").reversed()], tmp_path / "data")
    assert first.inputs == back.targets and first.splits() == {"train": 30, "validation": 30}


@pytest.mark.parametrize(
    "raw, message",
    [
        (None, r"no folder <raw_dir>/lone \(no --raw_dir is given\).*train.en and train.de"),
        (
            "raw",
            r"no folder .*/raw/lone\. It should hold line-aligned text \(train.en and train.de",
        ),
        ("nowhere", r"no folder --raw_dir=.*nowhere"),
    ],
)
def test_a_raw_folder_that_is_not_there(tmp_path, raw, message):
    (tmp_path / "raw").mkdir()
    with pytest.raises(UserError, match=message):
        run([own("lone")], tmp_path, raw)


def fail(monkeypatch, error):
    class Broken:
        def download_and_prepare(self, download_config):
            raise error

    monkeypatch.setattr(tfds, "builder", lambda name, data_dir: Broken())


def test_a_stock_data_set_without_network(tmp_path, monkeypatch):
    fail(monkeypatch, ConnectionError("Name or service not known"))
    (tmp_path / "raw").mkdir()
    with pytest.raises(UserError) as caught:
        run([registry.problem("wmt_ende")], tmp_path)
    for part in (
        "there is no folder",
        "raw/wmt_ende",
        "wmt14_translate/de-en could not be downloaded",
        "Name or service not known",
        "train.en and train.de",
        "--problems=mini_ende",
    ):
        assert part in str(caught.value)


def test_a_stock_data_set_that_is_fetched_by_hand(tmp_path, monkeypatch):
    fail(
        monkeypatch,
        AssertionError("Manual directory /x does not exist. Create it and download ILSVRC2012.tar"),
    )
    with pytest.raises(
        UserError, match="imagenet2012 has to be fetched by hand: .*ILSVRC2012.tar.*train/<class>"
    ):
        run([registry.problem("imagenet")], tmp_path, raw=None)


def test_a_stock_data_set_that_tfds_does_not_know(tmp_path):
    with pytest.raises(UserError, match="TFDS knows no data set 'no_such_thing'"):
        run([own("typo", raw_layout="", dataset="no_such_thing")], tmp_path, raw=None)


def test_raw_data_goes_before_stock_data_and_stays_when_the_folder_is_gone(tmp_path, monkeypatch):
    fail(monkeypatch, ConnectionError("must not be asked"))
    write(tmp_path / "raw", "wmt_ende")
    problem = registry.problem("wmt_ende")
    prepare.prepare_data(problem, tmp_path / "data", tmp_path / "raw")
    prepare.prepare_data(problem, tmp_path / "data", None)
    (tmp_path / "other").mkdir()
    prepare.prepare_data(problem, tmp_path / "data", tmp_path / "other")
    assert problem.located(tmp_path / "data").splits() == {"train": 30, "validation": 30}


def test_prepared_data_of_another_folder_is_told(tmp_path):
    write(tmp_path / "raw", "first")
    write(tmp_path / "others", "first", n=20)
    run([own("first")], tmp_path)
    said = run([own("first")], tmp_path, raw="others")
    assert (
        "first: prepared already, from " in said[0]
        and "and not from" in said[0]
        and "30 train" in said[1]
    )
    assert not any("prepared already" in line for line in run([own("first")], tmp_path))


def test_a_mistake_in_the_raw_data_is_told_as_such(tmp_path):
    write(tmp_path / "raw", "wmt_ende")
    with open(tmp_path / "raw/wmt_ende/train.de", "a") as file:
        file.write("one more\n")
    with pytest.raises(UserError, match="same number of lines"):
        run([registry.problem("wmt_ende")], tmp_path)
    assert locate.prepared(registry.problem("wmt_ende"), tmp_path / "data") is None


def test_a_data_dir_that_cannot_be_written(tmp_path):
    write(tmp_path / "raw", "first")
    (tmp_path / "data").write_text("a file")
    with pytest.raises(UserError, match="first could not be written to .*data.*--data_dir"):
        run([own("first")], tmp_path)


def test_raw_data_under_the_data_directory_that_cannot_be_read_is_not_a_full_disk(tmp_path):
    class Unreadable(Problem):
        """Its files may not be read."""

        name = "unreadable"
        inputs, targets = WORDS, WORDS

        def generate(self, split, raw_dir):
            yield {"inputs": "a", "targets": "b"}
            raise PermissionError(13, "Permission denied", f"{raw_dir}/{split}.txt")

    (tmp_path / "data/raw").mkdir(parents=True)
    with pytest.raises(PermissionError, match="raw/train.txt"):
        run([Unreadable()], tmp_path, raw="data/raw")


@pytest.mark.parametrize(
    "error, raw, wanted",
    [
        (OSError(28, "No space left", "/tmp/x"), None, True),
        (PermissionError(13, "Permission denied", "/d/data/parallel_text"), None, True),
        (NotADirectoryError(20, "Not a directory", b"/d/data"), None, True),
        (PermissionError(13, "Permission denied", "/d/data_raw/x"), None, False),
        (PermissionError(13, "Permission denied", "/d/data/raw/x"), "/d/data/raw", False),
        (FileNotFoundError(2, "No such file", "/d/data/downloads/manual/x.tar"), None, False),
        (PermissionError(13, "Permission denied", 3), None, False),
        (ValueError("/d/data"), None, False),
    ],
)
def test_errors_of_writing_are_told_from_those_of_reading(error, raw, wanted):
    assert prepare.cannot_write(error, "/d/data", raw) == wanted


def test_a_run_may_have_its_data_directory_as_its_output_directory(tmp_path):
    write(tmp_path / "raw", "first")
    run([own("first")], tmp_path)
    vocabulary = (tmp_path / "data/vocabs/words.model").read_bytes()
    problems = prepare.resolve([own("first")], tmp_path / "data")
    OutputDir(tmp_path / "data").record(HParams(), problems, RunConfig())
    assert (tmp_path / "data/vocabs/words.model").read_bytes() == vocabulary
    assert set(OutputDir(tmp_path / "data").recorded_problems()) == {"first"}


def test_a_full_disk(tmp_path, monkeypatch):
    fail(monkeypatch, OSError(28, os.strerror(28), "shard"))
    with pytest.raises(UserError, match="No space left on device.*Make room"):
        run([registry.problem("wmt_ende")], tmp_path, raw=None)


def test_an_error_of_ours_is_not_dressed_up(tmp_path, monkeypatch):
    class Bug(Problem):
        """Its reader has a mistake."""

        name = "bug"
        inputs, targets = WORDS, WORDS

        def generate(self, split, raw_dir):
            yield {"inputs": [][1], "targets": ""}

    with pytest.raises(IndexError):
        run([Bug()], tmp_path, raw=None)
