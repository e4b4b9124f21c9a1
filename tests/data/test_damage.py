"""Prepared data that is damaged, or has been moved: one line with the file and what to do."""

import json
import os
import shutil

import pytest

from t2t_mm import registry
from t2t_mm.config.hparams import HParams
from t2t_mm.data import prepare
from t2t_mm.data.pipeline.stream import Inputs
from t2t_mm.data.pipeline.summary import describe
from t2t_mm.data.writing import pieces, shards
from t2t_mm.data.writing.builder import of_reader
from t2t_mm.errors import UserError
from t2t_mm.evaluation import decoded
from t2t_mm.problem import locate
from t2t_mm.reporting import examples
from tests.toys import TINY

HPARAMS = TINY.replace(batch_size=64)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A data directory with wmt_ende in it."""
    place = tmp_path_factory.mktemp("small")
    folder = place / "raw" / "wmt_ende"
    folder.mkdir(parents=True)
    for split in ("train", "validation"):
        for language in ("en", "de"):
            lines = (f"{language} word {i} of {split}\n" for i in range(60))
            (folder / f"{split}.{language}").write_text("".join(lines))
    prepare.prepare([registry.problem("wmt_ende")], place / "data", place / "raw", lambda line: 0)
    return place


@pytest.fixture
def data(prepared, tmp_path):
    """(a copy of the data directory, the folder of the data set in it)"""
    shutil.copytree(prepared / "data", tmp_path / "data")
    return tmp_path / "data", next((tmp_path / "data").glob("*/wmt_ende/*"))


def resolved(data_dir):
    return registry.problem("wmt_ende").resolve(data_dir, HParams())


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
@pytest.mark.parametrize("damage", ["half", "", "{}", "[]", "[" * 50_000, "pipe", "absent"])
def test_a_damaged_record_of_a_data_set_is_one_line(data, name, damage):
    data_dir, folder = data
    path = folder / name
    text = path.read_text()
    path.unlink()
    if damage == "pipe":
        os.mkfifo(path)
    elif damage != "absent":
        path.write_text(text[: len(text) // 2] if damage == "half" else damage)
    with pytest.raises(
        UserError, match=f"({name}|is not prepared).*again|--generate_data"
    ) as error:
        resolved(data_dir)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "key, value, message",
    [
        ("fileFormat", "parquet", "wmt_ende can't be read"),
        ("fileFormat", "nonsense", "dataset_info.json"),
        ("splits", [], "wmt_ende has no train examples"),
        ("splits", [{"name": "train", "shardLengths": ["99"]}], "wmt_ende"),
    ],
)
def test_a_record_that_is_not_of_these_files_is_one_line(data, key, value, message):
    data_dir, folder = data
    info = json.loads((folder / "dataset_info.json").read_text())
    (folder / "dataset_info.json").write_text(json.dumps(info | {key: value}))
    with pytest.raises(UserError, match=message):
        examples.read(resolved(data_dir), "train", 1000)


def test_a_data_set_that_lost_its_record_is_not_taken_for_prepared(data, prepared):
    data_dir, folder = data
    (folder / "dataset_info.json").unlink()
    with pytest.raises(UserError, match=r"dataset_info.json can't be read: No such.*delete"):
        prepare.prepare([registry.problem("wmt_ende")], data_dir, prepared / "raw")


@pytest.mark.parametrize("damage", ["half", "flipped", "empty", "absent", "pipe"])
def test_damaged_examples_are_one_line_wherever_they_are_read(data, damage):
    data_dir, folder = data
    problem = resolved(data_dir)
    path = next(folder.glob("*-train.tfrecord*"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.unlink()
    if damage == "pipe":
        os.mkfifo(path)
        with pytest.raises(UserError, match=f"{path.name} can't be read: it is no regular file"):
            resolved(data_dir)
        return
    if damage != "absent":
        kept = {"half": content[: len(content) // 2], "flipped": content, "empty": b""}[damage]
        path.write_bytes(kept)
    readers = [
        lambda: Inputs([problem], HPARAMS, seed=0).next("wmt_ende", 0),
        lambda: describe(problem, HPARAMS),
        lambda: examples.read(problem, "train", 60),
        lambda: decoded.read(problem, "train"),
    ]
    for read in readers:
        with pytest.raises(UserError, match="The data of wmt_ende can't be read") as error:
            for _ in range(20):
                read()
        message = str(error.value)
        assert str(folder) in message and "prepare the data again" in message
        assert "\n" not in message and "{{" not in message


def test_a_damaged_record_of_a_vocabulary_is_one_line(data, prepared):
    data_dir, _ = data
    record = data_dir / "vocabs" / "wmt_8k.json"
    record.write_text('{"sources": 3}')
    with pytest.raises(UserError, match="wmt_8k.json can't be read"):
        prepare.prepare([registry.problem("wmt_ende")], data_dir, prepared / "raw")


def test_a_piece_that_was_cut_off_is_made_again(prepared, tmp_path):
    """Of a preparation that was killed, on a disk that lost what was written last."""
    shutil.copytree(prepared / "raw", tmp_path / "raw")
    reader = locate.reader(registry.problem("wmt_ende"), tmp_path / "raw" / "wmt_ende")
    builder, work = of_reader(reader, tmp_path / "data"), tmp_path / "work"
    work.mkdir()
    make = lambda: list(  # noqa: E731
        pieces.make(reader, builder.info.features, "train", reader.sources["train"], work, 1)
    )
    ((path, counts, was_there),) = make()
    whole = path.read_bytes()
    assert not was_there and counts.good == 60 and make()[0][2]
    for damage in (whole[:-1], whole + b"x", b"", b"{}", b"{}\n", b'{"good": "x"}\n', b"3\n"):
        path.write_bytes(damage)
        ((_, again, was_there),) = make()
        assert not was_there and again.good == 60 and path.read_bytes() == whole


# ---- moved


def step(inputs, number):
    return inputs.next("wmt_ende", number)["targets"].numpy().tolist()


def test_an_order_of_data_goes_on_where_it_was(data, tmp_path):
    said = []
    inputs = Inputs([resolved(data[0])], HPARAMS, 0, log=said.append)
    step(inputs, 0)
    inputs.save(tmp_path / "place")
    after = step(inputs, 1)
    again = Inputs([resolved(data[0])], HPARAMS, 0, log=said.append)
    assert again.restore(tmp_path / "place") and step(again, 1) == after and not said


@pytest.mark.parametrize("is_recorded", [True, False])
def test_data_that_was_moved_starts_its_order_again_and_says_so(data, tmp_path, is_recorded):
    inputs = Inputs([resolved(data[0])], HPARAMS, 0)
    step(inputs, 0)
    inputs.save(tmp_path / "place")
    if not is_recorded:  # by an older version
        seeds = tmp_path / "place" / "worker-0" / "seeds.json"
        saved = json.loads(seeds.read_text())
        del saved["data"], saved["checksum"]
        seeds.write_text(json.dumps(saved))
    data[0].rename(tmp_path / "moved")
    said = []
    again = Inputs([resolved(tmp_path / "moved")], HPARAMS, 0, log=said.append)
    assert again.restore(tmp_path / "place")
    assert step(again, 1) and step(again, 2)
    assert said == ["The data of wmt_ende has moved: its order starts again."]


def test_other_examples_than_before_start_their_order_again_and_say_so(data, tmp_path):
    problem, said = resolved(data[0]).first(5), []
    inputs = Inputs([problem], HPARAMS, 0)
    step(inputs, 0)
    inputs.save(tmp_path / "place")
    after = step(inputs, 1)
    again = Inputs([problem], HPARAMS, 0, log=said.append)
    assert again.restore(tmp_path / "place") and step(again, 1) == after and not said
    other = Inputs([problem.first(4)], HPARAMS, 0, log=said.append)
    assert other.restore(tmp_path / "place") and step(other, 1)
    assert said == ["wmt_ende trains on other examples than before: their order starts again."]


def test_data_under_another_name_goes_on(data, tmp_path):
    inputs = Inputs([resolved(data[0])], HPARAMS, 0)
    step(inputs, 0)
    inputs.save(tmp_path / "place")
    after = step(inputs, 1)
    (tmp_path / "link").symlink_to(data[0])
    said = []
    again = Inputs([resolved(tmp_path / "link")], HPARAMS, 0, log=said.append)
    assert again.restore(tmp_path / "place") and step(again, 1) == after and not said


# ---- two at once, and no room


@pytest.fixture
def little(monkeypatch):
    """The mini world with few sentences."""
    from t2t_mm.data.mini_world import MiniWorld

    for config in MiniWorld.BUILDER_CONFIGS:
        for split in ("train", "validation", "test"):
            monkeypatch.setattr(config, split, 4)


def test_the_mini_world_is_made_by_one_process_at_a_time(little, tmp_path):
    problem = registry.problem("mini_ende")
    work = tmp_path / "mini_world" / "text" / shards.UNFINISHED
    refused = pytest.raises(UserError, match="Another process is preparing .*mini_world/text")
    with shards.alone(work), refused:
        prepare.prepare_data(problem, tmp_path)
    prepare.prepare_data(problem, tmp_path)
    assert problem.located(tmp_path).splits() == {"train": 4, "validation": 4, "test": 4}
    assert not work.exists()


def test_a_full_disk_names_the_problem_the_place_and_what_to_do(little, tmp_path, monkeypatch):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    def full(self, *args, **options):
        raise tf.errors.ResourceExhaustedError(None, None, "/data/x; No space left on device")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", full)
    with pytest.raises(UserError, match="mini_ende could not be written to .*No space.*Make room"):
        prepare.prepare_data(registry.problem("mini_ende"), tmp_path)
