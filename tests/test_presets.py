"""Trained models by name: where they are looked for, how they get there, what their card says."""

import copy
import importlib
import shutil
from pathlib import Path

import pytest

import t2t_mm
from t2t_mm import presets
from t2t_mm.__main__ import COMMANDS
from t2t_mm.cli import app, demo, preset
from t2t_mm.errors import UserError
from t2t_mm.export import export
from t2t_mm.export.card import card, wilson
from t2t_mm.runs import history
from t2t_mm.runs.directory import OutputDir


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The folder of presets, and an empty directory to be in."""
    monkeypatch.setenv(presets.VARIABLE, str(tmp_path / "presets"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "presets"


def test_a_preset_is_made_packed_and_loaded_by_its_name(place, tmp_path, loaded, trained_data):
    text = card(loaded, ["mini_imagenet"], str(trained_data))
    export(loaded, tmp_path / "toy", ["mini_imagenet"], card=text)
    archive = preset.install(tmp_path / "toy")
    assert archive == place / "toy.tar.xz" and (place / "toy/2/card.md").read_text() == text
    sample = loaded.problem("mini_imagenet").inputs.sample()
    answer = t2t_mm.load("toy").predict("mini_imagenet", sample)
    assert answer["label"] == loaded.predict("mini_imagenet", sample)["label"]
    shutil.rmtree(place / "toy")  # somebody else unpacks it
    shutil.unpack_archive(archive, place)
    assert t2t_mm.load("toy").problems == ["mini_imagenet"]


def test_what_is_too_large_is_not_packed(place, tmp_path, monkeypatch):
    monkeypatch.setattr(preset, "LARGEST", 100)
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy/saved_model.pb").write_bytes(bytes(range(256)))
    with pytest.raises(UserError, match="where 100 are the most"):
        preset.install(tmp_path / "toy")
    assert list(place.iterdir()) == []


def test_the_command_gives_flags_that_there_are(place, tmp_path, monkeypatch):
    ran = []

    def run(command, options):
        ran.append(command)
        values = importlib.import_module(COMMANDS[command]).FLAGS
        line = [command, *(f"--{name}={value}" for name, value in options.items())]
        assert values(line) == [command]
        if command == "exporter":
            Path(options["export_dir"], "1").mkdir(parents=True)

    monkeypatch.setattr(preset, "_run", run)
    line = ["t2t-mm-preset", "--data_dir=data", "--output_dir=out"]
    app.run(preset.main, preset.FLAGS, line)
    assert ran == ["train", "exporter"] and (place / "mini8/1").is_dir()


def test_a_name_without_a_model_says_which_command_makes_it(place, capsys, monkeypatch):
    wanted = f"no preset mini8 in {place}. Make it with t2t-mm-preset --preset=mini8"
    with pytest.raises(UserError, match=wanted):
        t2t_mm.load("mini8")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    with pytest.raises(SystemExit):
        app.run(demo.main, demo.FLAGS, ["t2t-mm-demo", "--export_dir=mini8"])
    assert wanted in capsys.readouterr().err
    with pytest.raises(UserError, match="There is no directory mini9"):
        t2t_mm.load("mini9")


def test_a_directory_of_that_name_comes_first(place, monkeypatch):
    (place / "mini8").mkdir(parents=True)
    assert presets.found("mini8") == place / "mini8"
    Path("mini8").mkdir()
    assert presets.found("mini8") == Path("mini8")
    monkeypatch.delenv(presets.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert presets.folder() == Path("/somewhere/t2t_mm/presets")


def test_the_card_has_data_metrics_with_intervals_and_limits(tmp_path, loaded, trained_data):
    model = copy.copy(loaded)
    model.output = OutputDir(tmp_path / "mine")
    model.output.path.mkdir()
    model.output.copy_record(loaded.output)
    names = ["mini_imagenet", "mini_ende"]
    assert "No evaluation was recorded." in card(model, names)
    found = {
        "mini_imagenet": {"log_perplexity": 0.25, "accuracy": 90.0},
        "mini_ende": {"accuracy": 50.0, "bleu": None},
    }
    for step in (2, 3):  # the latter is of weights that are not exported
        history.append(model.output.path, "validation", step, {"accuracy": "%"}, found)
    text = card(model, names, str(trained_data))
    for row in (
        "| `mini_imagenet` | accuracy | 90% | 69.9% to 97.2% |",  # of 20 examples
        "| `mini_imagenet` | log_perplexity | 0.25 |  |",
        "| `mini_ende` | accuracy | 50% |  |",  # of tokens, which depend on each other
        "| `mini_ende` | bleu | not finite |  |",
        "| hidden_size | `16` |",
    ):
        assert row in text
    assert "evaluation at step 2;" in text and text.startswith("# mine\n")
    data = next(line for line in text.splitlines() if line.startswith("| `mini_ende` | English"))
    assert data.endswith("| language → language | 60 | 20 | 20 | Apache-2.0 |")
    assert "The data of mini_imagenet, mini_ende is generated." in text


def test_the_interval_of_a_share_is_that_of_wilson():
    low, high = wilson(0.0, 10)
    assert low == 0.0 and high == pytest.approx(0.2775, abs=1e-4)
    assert wilson(0.5, 10**6) == pytest.approx((0.49902, 0.50098), abs=1e-5)
