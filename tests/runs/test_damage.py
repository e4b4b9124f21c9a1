"""Damaged records of a run: one line with the file, what is wrong, and what to do."""

import json
import os
import shutil

import pytest

import t2t_mm
from t2t_mm.cli import average
from t2t_mm.config import hparams_files
from t2t_mm.errors import UserError
from t2t_mm.runs.best import Best
from t2t_mm.runs.corruption import newest_intact
from t2t_mm.runs.directory import OutputDir

FILES = ("hparams.json", "problems.json", "run.json", "status.json", "best.json")


@pytest.fixture
def run(trained, tmp_path):
    """A copy of a trained run."""
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    values = {"metric": "mini_ende/log_perplexity", "values": {"2": 1.5}}
    (folder / "best.json").write_text(json.dumps(values))
    return folder


def read_all(folder):
    """Reads each record of a run, as the commands do."""
    output = OutputDir(folder)
    output.check_record()
    output.has_ended()
    Best("mini_ende/log_perplexity", folder / "best.json")


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damaged(path, damage):
    """Damages a file."""
    content = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage == "pipe":
        os.mkfifo(path)
    elif damage == "loop":
        path.symlink_to(path)
    else:
        path.write_bytes({"half": content[: len(content) // 2]}.get(damage, damage))


DAMAGES = (
    "half",
    b"",
    b"[]",
    b"null",
    b"3",
    b"[" * 50_000,
    b"\xff\xfe\x00",
    "folder",
    "pipe",
    "loop",
)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: str(damage[:6]))
def test_a_damaged_record_is_one_line(run, name, damage):
    read_all(run)
    damaged(run / name, damage)
    with pytest.raises(UserError, match=f"{name} can't be read: .*\\. [A-Z].*\\.$") as error:
        read_all(run)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name, keys, value, message",
    [
        ("hparams.json", ["hidden_size"], 10**30, "hidden_size is an int"),
        ("hparams.json", ["dropout"], float("nan"), "dropout is a float"),
        ("hparams.json", ["hidden_size"], [16], "hidden_size is an int"),
        ("hparams.json", ["self"], 1, "no field 'self'"),
        ("run.json", ["train_steps"], "many", "train_steps is an int"),
        ("problems.json", ["problems"], {}, "it has no problems"),
        ("problems.json", ["problems", "mini_ende"], 3, "'mini_ende' in .* an object is expected"),
        ("problems.json", ["problems", "mini_ende", "inputs"], {}, "'kind' is missing"),
        ("best.json", ["values"], {"one": 1.0}, "'one' is no step"),
        ("best.json", ["values"], {"2": "x"}, "a number is expected"),
    ],
)
def test_a_value_that_can_not_be_is_one_line(run, name, keys, value, message):
    changed(run / name, keys, value)
    with pytest.raises(UserError, match=f"{name} can't be read: .*{message}"):
        read_all(run)


def changed(path, keys, value):
    """Sets a value in a JSON file."""
    whole = part = json.loads(path.read_text())
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    path.write_text(json.dumps(whole))


def test_a_run_without_its_problems_is_no_run_of_none(run):
    (run / "problems.json").unlink()
    with pytest.raises(UserError, match="problems.json can't be read: No such file"):
        t2t_mm.load(run)


@pytest.mark.parametrize(
    "keys, value, message",
    [
        (["mini_ende", "inputs", "kind"], "langage", "mini_ende.*problems.json.*langage"),
        (["mini_ende", "inputs", "vocab"], 3, "'vocab' is 3, where text is expected"),
        (["mini_ende", "inputs", "vocab"], "other", "The vocabulary .*other.model is missing"),
        (["mini_ende", "inputs", "size"], 100, "not the vocabulary that the run was trained with"),
        (
            ["mini_ende", "inputs", "fingerprint"],
            "0",
            "not the vocabulary that the run was trained",
        ),
        (["mini_imagenet", "targets", "num_classes"], 10**12, "classes, where 1 to"),
        (["mini_imagenet", "targets", "num_classes"], 3, "names for 3 classes"),
        (["mini_imagenet", "targets", "names"], "ring", "where a list is expected"),
        (["mini_speech", "inputs", "sample_rate"], [], "'sample_rate' is"),
    ],
)
def test_a_side_that_can_not_be_is_one_line(run, keys, value, message):
    changed(run / "problems.json", ["problems", *keys], value)
    with pytest.raises(UserError, match=message):
        t2t_mm.load(run)


@pytest.mark.parametrize("damage", ["vocabulary", "its record", "another's"])
def test_a_damaged_vocabulary_is_one_line(run, damage):
    path = next((run / "vocabs").glob("*.model"))
    if damage == "vocabulary":
        cut(path)
    elif damage == "its record":
        path.with_suffix(".json").write_text("{}")
    else:  # of the same size, and without a record
        path.with_suffix(".json").unlink()
        path.write_bytes(path.read_bytes() + b"\x00")
    with pytest.raises(UserError, match=path.stem) as error:
        t2t_mm.load(run)
    assert "\n" not in str(error.value)


def test_files_that_only_look_like_checkpoints_are_passed_over(run):
    for name in ("ckpt-new.index", "ckpt-.index", "ckpt--3.index", f"ckpt-{'9' * 40}.index"):
        (run / "checkpoints" / name).write_bytes(b"")
    assert newest_intact(run / "checkpoints", str).endswith("ckpt-2")


@pytest.mark.parametrize("text", ["{}", '{"reading": {}, "seeds": [1]}', '{"seeds": {"a": "x"}}'])
def test_damaged_inputs_make_a_checkpoint_corrupt(run, text):
    (seeds,) = (run / "checkpoints").glob("input-*/worker-0/seeds.json")
    seeds.write_text(text)
    with pytest.raises(UserError, match="inputs of worker-0: .*seeds.json can't be read"):
        newest_intact(run / "checkpoints", str, with_inputs=True)


def test_inputs_that_are_missing_make_a_checkpoint_corrupt(run):
    (seeds,) = (run / "checkpoints").glob("input-*/worker-0/seeds.json")
    place = json.loads(seeds.read_text())
    place["positions"].popitem()
    del place["checksum"]
    seeds.write_text(json.dumps(place))
    with pytest.raises(UserError, match="inputs of worker-0"):
        newest_intact(run / "checkpoints", str, with_inputs=True)


def test_inputs_with_another_digit_make_a_checkpoint_corrupt(run):
    (seeds,) = (run / "checkpoints").glob("input-*/worker-0/seeds.json")
    seeds.write_text(seeds.read_text().replace('"next": ', '"next": 1', 1))
    with pytest.raises(UserError, match="other values than were written, by their checksum"):
        newest_intact(run / "checkpoints", str, with_inputs=True)


def test_averaging_blames_what_is_damaged(run, tmp_path, monkeypatch, capsys):
    line = [
        "average",
        f"--output_dir={run}",
        f"--average_dir={tmp_path / 'mean'}",
        "--checkpoints=1",
    ]

    def error():
        monkeypatch.setattr("sys.argv", line)
        with pytest.raises(SystemExit):
            average.entry()
        return capsys.readouterr().err

    (tmp_path / "file").write_text("")
    line[2] = f"--average_dir={tmp_path / 'file' / 'mean'}"
    assert error().startswith(f"error: --average_dir={tmp_path / 'file' / 'mean'} can't be written")
    line[2] = f"--average_dir={tmp_path / 'mean'}"
    damaged(run / "hparams.json", "half")
    assert error().startswith(f"error: {run / 'hparams.json'} can't be read: ")


def test_what_hyperparameters_and_checkpoints_say_has_to_agree(run):
    hparams = hparams_files.load(run)
    hparams_files.save(hparams.replace(hidden_size=32), run)
    with pytest.raises(UserError, match="has no weight .* of shape"):
        t2t_mm.load(run)
