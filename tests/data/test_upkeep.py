"""Prepared data whose raw data, code or settings have changed since: told, added to, made again."""

import json
import os
import shutil
import wave

import pytest
from PIL import Image as Picture

from t2t_mm.config.hparams import HParams
from t2t_mm.data import prepare, remaking
from t2t_mm.data.origin import record
from t2t_mm.data.writing.options import Options
from t2t_mm.errors import UserError
from t2t_mm.modalities.audio.spec import Audio
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.image.spec import Image
from t2t_mm.modalities.language.spec import Language
from t2t_mm.problem.base import Problem
from t2t_mm.problem.parsing import TreeProblem

WORDS = Language(vocab="words", size=280)
TREE = "(ROOT (S (NP (DT The) (NN dog{})) (VP (VBZ barks)) (. .)))\n"


class Pairs(Problem):
    """Line-aligned text."""

    name = "pairs"
    raw_layout = "parallel_text"
    command = "to-german"
    inputs, targets = WORDS, WORDS
    input_key, target_key = "en", "de"


class Trees(TreeProblem):
    """Trees."""

    name = "trees"
    inputs = WORDS
    targets = Language(vocab="symbols", units="symbols")


class Flowers(Problem):
    """Pictures in folders."""

    name = "flowers"
    raw_layout = "image_folder"
    command = "to-flower"
    inputs, targets = Image(size=8), Categorical(labels="flowers")
    input_key, target_key = "image", "label"


class Captions(Problem):
    """Pictures with captions."""

    name = "captions"
    raw_layout = "coco"
    command = "to-english"
    inputs, targets = Image(size=8), WORDS
    input_key, target_key = "image", "captions/text"


class Speech(Problem):
    """Recordings with their words."""

    name = "speech"
    raw_layout = "kaldi"
    command = "to-english"
    inputs, targets = Audio(sample_rate=8000), WORDS
    input_key, target_key = "audio", "text"


SUFFIX = ""


class Mood(Problem):
    """A `generate` that reads one file a split."""

    name = "mood"
    command = "to-mood"
    inputs, targets = WORDS, Categorical(labels="mood")

    def generate(self, split, raw_dir):
        with open(f"{raw_dir}/mood/{split}.tsv") as file:
            for line in file:
                label, text = line.rstrip("\n").split("\t")
                yield {"inputs": text + SUFFIX, "targets": label}


def write_pairs(raw, split, count=20):
    for key in ("en", "de"):
        (raw / "pairs").mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{split} {key} {i}\n" for i in range(count))
        (raw / f"pairs/{split}.{key}").write_text(lines)


def write_trees(raw, split):
    (raw / "trees").mkdir(parents=True, exist_ok=True)
    lines = "".join(TREE.format(f"{split}{i}") for i in range(20))
    (raw / f"trees/{split}.mrg").write_text(lines)


def write_flowers(raw, split, names=("rose", "tulip")):
    for number, name in enumerate(names):
        folder = raw / "flowers" / split / name
        folder.mkdir(parents=True)
        for i in range(3):
            colour = (10 * i + number, len(split), 9)
            Picture.new("RGB", (9, 9), colour).save(folder / f"{i}.png")


def write_captions(raw, split):
    split = split.removesuffix("idation")  # as COCO calls it
    (raw / f"captions/{split}2017").mkdir(parents=True)
    (raw / "captions/annotations").mkdir(exist_ok=True)
    for i in range(3):
        Picture.new("RGB", (9, 9), (i, len(split), 9)).save(raw / f"captions/{split}2017/{i}.png")
    images = [{"id": i, "file_name": f"{i}.png"} for i in range(3)]
    notes = [{"image_id": i, "caption": f"{split} {i} is seen"} for i in range(3)]
    path = raw / f"captions/annotations/captions_{split}2017.json"
    path.write_text(json.dumps({"images": images, "annotations": notes}))


def write_speech(raw, split):
    folder = raw / "speech" / split
    folder.mkdir(parents=True)
    for i in range(3):
        with wave.open(str(folder / f"{i}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes([i + 1, len(split)]) * 800)
    (folder / "wav.scp").write_text("".join(f"u{i} {split}/{i}.wav\n" for i in range(3)))
    (folder / "text").write_text("".join(f"u{i} {split} {i} is said\n" for i in range(3)))


def write_mood(raw, split):
    (raw / "mood").mkdir(parents=True, exist_ok=True)
    rows = (f"{'glad' if i % 2 else 'sad'}\t{split} {i}\n" for i in range(20))
    (raw / f"mood/{split}.tsv").write_text("".join(rows))


WRITERS = {
    Pairs: write_pairs,
    Trees: write_trees,
    Flowers: write_flowers,
    Captions: write_captions,
    Speech: write_speech,
    Mood: write_mood,
}


@pytest.fixture
def run(tmp_path):
    """Prepares a problem from tmp_path/raw and gives what is said, without the counts."""

    def prepare_it(problem, **options):
        said = []
        prepare.prepare(
            [problem], tmp_path / "data", tmp_path / "raw", said.append, Options(**options)
        )
        return [line for line in said if " examples in " not in line]

    return prepare_it


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_split_that_was_added_is_prepared_alone(kind, run, tmp_path):
    for split in ("train", "validation"):
        WRITERS[kind](tmp_path / "raw", split)
    run(kind())
    before = files_of(tmp_path / "data")
    assert run(kind()) == []
    WRITERS[kind](tmp_path / "raw", "test")
    said = run(kind())
    assert said == [f"{kind.name}: test was added since the rest was prepared"]
    after = files_of(tmp_path / "data")
    shards = {path for path in before if "tfrecord" in path.name}
    assert shards and all(after[path] == before[path] for path in shards)
    problem = kind().resolve(tmp_path / "data")
    assert list(problem.splits()) == ["train", "validation", "test"]
    assert len(list(problem.examples("test"))) == problem.splits()["test"]
    assert run(kind()) == [] and files_of(tmp_path / "data") == after
    # as if all had been there from the start
    shutil.move(tmp_path / "data", tmp_path / "added")
    run(kind())
    whole, added = files_of(tmp_path / "data"), files_of(tmp_path / "added")
    assert {path.name: content for path, content in whole.items() if "tfrecord" in path.name} == {
        path.name: content for path, content in added.items() if "tfrecord" in path.name
    }


def test_a_split_that_brings_other_classes_is_not_added(run, tmp_path):
    write_flowers(tmp_path / "raw", "train")
    run(Flowers())
    before = files_of(tmp_path / "data")
    write_flowers(tmp_path / "raw", "test", ("rose", "lily"))
    with pytest.raises(UserError, match="flowers in .*: test can't be added.*--again"):
        run(Flowers())
    assert files_of(tmp_path / "data").keys() >= before.keys()
    assert run(Flowers(), again=True)[-1].startswith("flowers: ")
    assert Flowers().resolve(tmp_path / "data").targets.names == ("lily", "rose", "tulip")


def test_an_interruption_while_a_split_is_added_leaves_the_rest_as_it_was(
    run, tmp_path, monkeypatch
):
    from t2t_mm.data.writing import shards

    for split in ("train", "test"):
        write_pairs(tmp_path / "raw", split)
    shutil.move(tmp_path / "raw/pairs/test.en", tmp_path / "raw/pairs/later.en")
    shutil.move(tmp_path / "raw/pairs/test.de", tmp_path / "raw/pairs/later.de")
    run(Pairs())
    for key in ("en", "de"):
        shutil.move(tmp_path / f"raw/pairs/later.{key}", tmp_path / f"raw/pairs/test.{key}")

    def stop(source, target):
        if target.name == "dataset_info.json":
            raise KeyboardInterrupt
        os.rename(source, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(shards.os, "replace", stop)
        run(Pairs())
    assert list(Pairs().resolve(tmp_path / "data").splits()) == ["train"]
    run(Pairs())
    assert list(Pairs().resolve(tmp_path / "data").splits()) == ["train", "test"]


@pytest.mark.parametrize(
    "kind, change, told",
    [
        (Pairs, "pairs/train.en", "train.en"),
        (Trees, "trees/train.mrg", "train.mrg"),
        (Flowers, "flowers/train/rose/1.png", "train/rose/1.png"),
        (Captions, "captions/train2017/1.png", "train2017/1.png"),
        (Speech, "speech/train/1.wav", "train/1.wav"),
        (Mood, "mood/train.tsv", "mood/train.tsv"),
    ],
)
def test_a_raw_file_that_was_replaced_is_told(kind, change, told, run, tmp_path):
    WRITERS[kind](tmp_path / "raw", "train")
    run(kind())
    path = tmp_path / "raw" / change
    content = path.read_bytes()
    path.write_bytes(content)  # written again, with the same content
    assert run(kind()) == []
    path.write_bytes(content.replace(b"1", b"2") if b"1\n" in content else content[::-1])
    (line,) = run(kind())
    assert line.startswith(f"{kind.name}: what it was prepared from has changed: {told} (same size")
    path.write_bytes(content * 2)
    (line,) = run(kind())
    assert f"{told} ({len(content) * 2:,} bytes, was {len(content):,})" in line
    assert "--generate_data=again" in line
    path.unlink()
    assert f"{told} is gone" in " ".join(run(kind())) or kind in (Pairs, Trees)


def test_many_files_are_compared_by_folder(run, tmp_path, monkeypatch):
    monkeypatch.setattr(record, "FEW", 3)
    write_flowers(tmp_path / "raw", "train")
    run(Flowers())
    (tmp_path / "raw/flowers/train/rose/2.png").unlink()
    (line,) = run(Flowers())
    assert "changed: train/rose/ (2 files, was 3). " in line
    told = []
    prepare.resolve([Flowers()], tmp_path / "data", log=told.append)
    assert told == []  # they aren't looked at each time that a run begins


def test_an_edited_generate_is_told_and_so_is_what_it_calls(run, tmp_path, monkeypatch):
    write_mood(tmp_path / "raw", "train")
    run(Mood())
    with monkeypatch.context() as patch:
        patch.setitem(globals(), "SUFFIX", "!")
        (line,) = run(Mood())
        assert "the code of SUFFIX was edited" in line

    class Edited(Mood):
        name = "mood"

        def generate(self, split, raw_dir):
            yield from super().generate(split, raw_dir)

    (line,) = run(Edited())
    assert "the code of " in line and "Edited.generate" in line


def test_settings_of_a_reader_are_compared(run, tmp_path):
    write_pairs(tmp_path / "raw", "train")
    run(Pairs())
    (line,) = run(Pairs(), hold_out="test:0.2")
    assert "hold_out is HoldOut(validation=0.0, test=0.2, seed=0) (was None)" in line
    run(Pairs(), hold_out="test:0.2", again=True)
    assert run(Pairs()) == [] and "test" in Pairs().resolve(tmp_path / "data").splits()


def test_a_run_is_told_of_stale_data_when_it_begins(run, tmp_path):
    write_mood(tmp_path / "raw", "train")
    run(Mood())
    told = []
    prepare.resolve([Mood()], tmp_path / "data", HParams(), told.append)
    assert told == []
    (tmp_path / "raw/mood/train.tsv").write_text("glad\tso it is\n")
    prepare.resolve([Mood()], tmp_path / "data", HParams(), told.append)
    assert len(told) == 1 and "mood/train.tsv (14 bytes, was" in told[0]
    shutil.rmtree(tmp_path / "raw")  # what is prepared needs it no more
    told.clear()
    prepare.resolve([Mood()], tmp_path / "data", HParams(), told.append)
    assert told == []


def test_data_without_a_record_is_taken_as_it_is(run, tmp_path):
    write_pairs(tmp_path / "raw", "train")
    run(Pairs())
    path = tmp_path / "data/parallel_text/pairs/1.0.0/metadata.json"
    known = json.loads(path.read_text())
    del known[record.KEY]
    path.write_text(json.dumps(known))
    (tmp_path / "raw/pairs/train.en").write_text("".join(f"other {i}\n" for i in range(20)))
    assert run(Pairs()) == []
    write_pairs(tmp_path / "raw", "test")
    assert run(Pairs()) == ["pairs: test was added since the rest was prepared"]


def test_made_again_it_is_what_is_there_now_with_its_vocabulary(run, tmp_path):
    write_pairs(tmp_path / "raw", "train")
    run(Pairs())
    vocabulary = (tmp_path / "data/vocabs/words.model").read_bytes()
    write_pairs(tmp_path / "raw", "train", 30)
    assert len(run(Pairs())) == 1
    said = run(Pairs(), again=True)
    assert any("was prepared again" in line for line in said)
    assert Pairs().resolve(tmp_path / "data").splits() == {"train": 30}
    assert (tmp_path / "data/vocabs/words.model").read_bytes() != vocabulary
    assert any("no run that was started with the former one" in line for line in said)
    assert run(Pairs()) == [] and not (tmp_path / "data" / remaking.STAGE).exists()


def test_what_is_there_serves_until_the_new_is_whole(run, tmp_path, monkeypatch):
    write_pairs(tmp_path / "raw", "train")
    run(Pairs())
    before = files_of(tmp_path / "data/parallel_text")
    (tmp_path / "raw/pairs/train.en").write_text("one line\n")
    with pytest.raises(UserError, match="same number of lines"):
        run(Pairs(), again=True)
    write_pairs(tmp_path / "raw", "train", 30)

    def stop(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(remaking, "_swap", stop)
        run(Pairs(), again=True)
    assert files_of(tmp_path / "data/parallel_text") == before
    run(Pairs(), again=True)
    assert Pairs().resolve(tmp_path / "data").splits() == {"train": 30}


def test_a_vocabulary_of_another_size_is_told_and_made_again(run, tmp_path):
    class Bigger(Pairs):
        inputs = targets = Language(vocab="words", size=300)

    write_pairs(tmp_path / "raw", "train")
    run(Pairs())
    (line,) = run(Bigger())
    assert "vocabulary words: 300 pieces are asked for, but it was trained for 280," in line
    told = []
    prepare.resolve([Bigger()], tmp_path / "data", log=told.append)
    assert told == [line]
    run(Bigger(), again=True)
    assert run(Bigger()) == []
    path = tmp_path / "data/vocabs/words.json"  # of an older version, which recorded what it got
    known = json.loads(path.read_text())
    del known["wanted"]
    path.write_text(json.dumps(known))
    assert run(Bigger()) == []
    assert "262 pieces are asked for" in " ".join(run(with_size(262)))


def with_size(size):
    problem = Pairs()
    problem.inputs = problem.targets = Language(vocab="words", size=size)
    return problem


def test_a_raw_folder_that_is_no_longer_right_is_told(run, tmp_path):
    write_pairs(tmp_path / "raw", "train")
    run(Pairs())
    (tmp_path / "raw/pairs/train.en").unlink()
    (line,) = run(Pairs())
    assert "can't be read as it is now: There is no" in line
