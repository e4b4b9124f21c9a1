"""t2t_mm_trainer.py end to end, as a user runs it: another process, a problem of one's own, files
on disk."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from t2t_mm import registry
from t2t_mm.cli import trainer
from t2t_mm.cli.trainer import checked, of_another_model, set_of
from t2t_mm.config import hparams_files
from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.runs.directory import OutputDir
from tests import commands
from tests.ports import tf_config

SCRIPT = Path(__file__).parents[2] / "t2t_mm_trainer.py"

PROBLEMS = '''
import os
from t2t_mm import registry
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.language.spec import Language
from t2t_mm.problem.base import Problem

class Words(Problem):
    inputs = Language(vocab="words", size=300)

    def generate(self, split, raw_dir):
        path = os.path.join(raw_dir, "words", split + ".txt")
        for line in open(path) if os.path.exists(path) else ():
            text = line.strip()
            yield {"inputs": text, "targets": self.answer(text)}

@registry.register_problem
class WordsEcho(Words):
    """Says what it reads."""
    command = "to-words"
    targets = Language(vocab="words", size=300)
    answer = staticmethod(lambda text: text)

@registry.register_problem
class WordsFirst(Words):
    """Whether a line starts with a."""
    command = "to-first"
    targets = Categorical(labels="first", num_classes=2)
    answer = staticmethod(lambda text: int(text.startswith("a")))
'''
SIZE = (
    "hidden_size=16,num_heads=2,encoder_blocks=1,mixer_blocks=1,decoder_blocks=1,moe_experts=4,moe_k=2,"
    "moe_hidden=16,batch_size=64"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with a user's problems and their raw text."""
    place = tmp_path_factory.mktemp("place")
    (place / "usr").mkdir()
    (place / "usr" / "problems.py").write_text(PROBLEMS)
    (place / "raw" / "words").mkdir(parents=True)
    words = ["apple", "banana", "cherry", "avocado", "date", "elder", "fig", "grape"]
    for split, count in (("train", 400), ("validation", 30)):
        lines = (
            f"{words[i % 8]} {words[i * 3 % 7]} {words[i * 5 % 8]} {i}\n" for i in range(count)
        )
        (place / "raw" / "words" / f"{split}.txt").write_text("".join(lines))
    return place


def command(place, output="out", **flags):
    flags = {
        "problems": "words_echo+words_first",
        "hparams_set": "multimodel_tiny",
        "hparams": SIZE,
        "t2t_usr_dir": place / "usr",
        "data_dir": place / "data",
        "raw_dir": place / "raw",
        "output_dir": place / output,
        **flags,
    }
    return [
        sys.executable,
        str(SCRIPT),
        *(f"--{name}={value}" for name, value in flags.items() if value is not None),
    ]


def run(command, **extra):
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3", **extra}
    return commands.run(command, env=environment)


def refused(done, *words):
    """One line, no traceback, exit code 1 or 2 (wrong usage), with all of these words."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode in (1, 2) and len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in lines[0]


def steps_saved(place):
    return sorted(
        int(p.stem.removeprefix("ckpt-")) for p in (place / "out" / "checkpoints").glob("*.index")
    )


@pytest.fixture(scope="module")
def finished(place):
    """A run that was killed with SIGKILL after its first checkpoint, and the same command given
    again."""
    whole = command(place, train_steps=60, save_every=10, generate_data="true", keep_checkpoints=2)
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    first, end = commands.Command(whole, env=environment), time.monotonic() + 240
    while not steps_saved(place):
        assert first.returncode is None and time.monotonic() < end, first.stderr
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    killed_at = steps_saved(place)
    assert killed_at and killed_at[-1] < 60
    return killed_at[-1], run(whole)


def test_the_same_command_goes_on_after_sigkill(place, finished):
    killed_at, done = finished
    assert done.returncode == 0, done.stderr
    resumed = [line for line in done.stdout.splitlines() if line.startswith("Resuming")]
    assert len(resumed) == 1 and int(resumed[0].split("step ")[1].split()[0]) >= killed_at
    assert steps_saved(place) == [50, 60]


def test_says_what_it_does_and_what_came_of_it(place, finished):
    _, done = finished
    for text in (
        "Device: CPU",
        "hidden_size=16",
        "words_echo",
        "language → categorical",
        "50.0%",
        "total",
        "log_perplexity",
        "accuracy_per_sequence",
        "accuracy_top5",
        f"{place / 'out'}",
    ):
        assert text in done.stdout
    metrics = json.loads((place / "out" / "metrics_validation.json").read_text())
    assert metrics["step"] == 60 and set(metrics["problems"]) == {"words_echo", "words_first"}
    assert (
        0 < metrics["problems"]["words_first"]["log_perplexity"] < 2.0
    )  # that it learns is shown elsewhere
    assert list((place / "out" / "tensorboard").iterdir())


def test_evaluation_needs_the_output_directory_alone(place, finished):
    before = json.loads((place / "out" / "metrics_validation.json").read_text())
    own = ("problems", "hparams_set", "hparams", "data_dir", "raw_dir")
    done = run(command(place, mode="evaluate", **dict.fromkeys(own)))
    assert done.returncode == 0, done.stderr
    after = json.loads((place / "out" / "metrics_validation.json").read_text())
    for problem, values in before["problems"].items():
        assert after["problems"][problem] == pytest.approx(values, rel=1e-5)


@pytest.fixture
def recorded(tmp_path):
    """The directory of a run of another model, whose training has ended."""
    output = OutputDir(tmp_path / "recorded")
    output.checkpoints.mkdir(parents=True)
    (output.checkpoints / "ckpt-3.index").write_text("")
    hparams_files.save(HParams(), output.path)
    side = {"kind": "language"}
    described = {"command": "to-german", "inputs": side, "targets": side}
    output.write_json("problems.json", {"model": "own_model", "problems": {"mini_ende": described}})
    saved = RunConfig(problems="mini_ende:2", model="own_model", data_dir="data", train_steps=70)
    output.write_json("run.json", saved.to_dict())
    return output


@pytest.fixture
def own_model(apart):
    registry.register_model("own_model")(lambda: None)


def options_of(output, **given):
    return checked(given, output).config


@pytest.mark.parametrize(
    ("model", "named", "taken"),
    [
        ("multimodel", "", "multimodel_tiny"),
        ("transformer", "", "transformer_tiny"),
        ("transformer", "multimodel_base", "multimodel_base"),
        ("own_model", "", "multimodel_tiny"),
    ],
)
def test_a_model_has_a_set_of_its_own_where_none_is_named(own_model, model, named, taken):
    config = RunConfig(model=model, hparams_set=named)
    assert set_of(config) == taken
    is_told = "it may learn better with transformer_tiny" in of_another_model(config)
    assert is_told == (named == "multimodel_base")


def test_an_evaluation_takes_model_problems_and_data_of_the_run(recorded, own_model):
    config = options_of(recorded, mode="evaluate")
    assert (config.model, config.problems) == ("own_model", "mini_ende")
    assert (config.data_dir, config.train_steps) == ("data", 70)
    assert options_of(recorded, mode="evaluate", data_dir="other").data_dir == "other"
    with pytest.raises(UserError, match="has a model=own_model, not multimodel"):
        options_of(recorded, mode="evaluate", model="multimodel")


def test_some_problems_of_a_run_can_be_evaluated_and_no_others(recorded, own_model):
    (described,) = recorded.recorded_problems().values()
    both = {"mini_ende": described, "mini_parse": described}
    recorded.write_json("problems.json", {"model": "own_model", "problems": both})
    assert options_of(recorded, mode="evaluate").problems == "mini_ende+mini_parse"
    assert options_of(recorded, mode="evaluate", problems="mini_parse").problems == "mini_parse"
    with pytest.raises(UserError, match="trained on mini_ende, mini_parse, not on mini_deen"):
        options_of(recorded, mode="evaluate", problems="mini_ende+mini_deen")


def test_the_checkpoint_to_evaluate_is_chosen(recorded, own_model):
    assert options_of(recorded, mode="evaluate", checkpoint="3").checkpoint == "3"
    with pytest.raises(UserError, match="no checkpoint of step 4 .*: kept are 3"):
        options_of(recorded, mode="evaluate", checkpoint="4")
    with pytest.raises(UserError, match="train with --keep_best"):
        options_of(recorded, mode="evaluate", checkpoint="best")
    given = {"problems": "mini_ende", "data_dir": "data", "model": "own_model"}
    with pytest.raises(UserError, match="--checkpoint=3 is for --mode=evaluate"):
        options_of(recorded, checkpoint="3", **given)
    new = OutputDir(recorded.path.parent / "new")
    warm = {"warm_start_from": str(recorded.path), "checkpoint": "4"}
    with pytest.raises(UserError, match="no checkpoint of step 4"):
        options_of(new, **warm, **given)


@pytest.mark.parametrize(
    "metric, told",
    [
        ("mini_ende/acuracy", "did you mean accuracy"),
        ("mini_ende/accuracy_top5", "mini_ende is measured by log_perplexity, accuracy, .*bleu"),
        ("mini_ende/cider", "mini_ende is measured by"),
        ("mini_ende/bleu", "score of decoded text: give --decode_examples"),
        ("mini_end/bleu", "names no problem of this run: mini_ende"),
    ],
)
def test_a_best_metric_that_no_evaluation_gives_is_refused_before_anything(tmp_path, metric, told):
    given = {"problems": "mini_ende", "data_dir": str(tmp_path)}
    with pytest.raises((UserError, registry.RegistryError), match=told):
        options_of(OutputDir(tmp_path / "out"), keep_best=metric, **given)


def test_an_evaluation_that_could_not_be_written_is_refused_before_it_is_made(
    recorded, own_model, monkeypatch
):
    def refuse(*args, **options):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(UserError, match="can't be written to: Read-only file system"):
        options_of(recorded, mode="evaluate")


def test_training_goes_on_with_the_same_model_alone(recorded, own_model):
    given = {"problems": "mini_ende", "data_dir": "data"}
    assert options_of(recorded, model="own_model", **given).model == "own_model"
    with pytest.raises(UserError, match="was started with model=own_model, not multimodel"):
        options_of(recorded, **given)


def test_a_lost_worker_of_a_complete_run_ends_and_waits_for_nobody(
    recorded, own_model, monkeypatch, capsys
):
    config = tf_config(["localhost:1", "localhost:2"], 1)
    monkeypatch.setenv("TF_CONFIG", config)
    given = {"problems": "mini_ende", "model": "own_model", "data_dir": "data", "train_steps": 3}
    recorded.write_complete(3, 3)
    assert trainer.run(given, str(recorded.path)) is None
    assert "is complete" in capsys.readouterr().out
    recorded.write_complete(3, 2)  # of a shorter run
    monkeypatch.setattr(trainer, "_run", lambda wanted: "goes on")
    assert trainer.run(given, str(recorded.path)) == "goes on"
    recorded.write_complete(3, 3)
    monkeypatch.delenv("TF_CONFIG")  # alone, it evaluates again
    assert trainer.run(given, str(recorded.path)) == "goes on"


def test_a_run_that_ended_without_a_checkpoint_is_not_waited_for(recorded, own_model):
    (recorded.checkpoints / "ckpt-3.index").unlink()
    recorded.write_status("ended", 0, "UserError: no data")
    with pytest.raises(UserError, match="has ended without a checkpoint"):
        options_of(recorded, mode="evaluate", continuous=True)


def test_a_checkpoint_of_another_kind_is_refused_and_left_alone(place, finished):
    before = {p: p.stat().st_mtime_ns for p in (place / "out").rglob("*")}
    refused(
        run(command(place, hparams=SIZE.replace("hidden_size=16", "hidden_size=32"))),
        "hidden_size=16 (now 32)",
    )
    refused(run(command(place, problems="words_echo")), "words_echo, words_first")
    refused(run(command(place, mode="evaluate", eval_split="test")), "'test'", "train, validation")
    refused(run(command(place, eval_split="test")), "'test'", "--mode=train")  # before it trains
    refused(
        run(command(place, mode="evaluate", problems=None, t2t_usr_dir=None)),
        "words_echo",
        "--t2t_usr_dir",
    )
    assert {p: p.stat().st_mtime_ns for p in (place / "out").rglob("*")} == before


def test_data_that_is_not_there(place, tmp_path):
    refused(run(command(place, data_dir=tmp_path)), "--generate_data")
    refused(
        run(command(place, data_dir=tmp_path, raw_dir=tmp_path, generate_data="true")),
        "No training data",
        str(tmp_path),
    )


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"problems": "words_ecko"}, ["words_ecko", "words_echo"]),
        ({"problems": None}, ["--problems"]),
        ({"hparams_set": "multimodel_tinny"}, ["multimodel_tinny", "multimodel_tiny"]),
        ({"hparams": "hiden_size=16"}, ["hiden_size", "hidden_size"]),
        ({"hparams": "hidden_size=many"}, ["hidden_size", "many"]),
        ({"gin_bindings": "hparams.hiden_size=3"}, ["hiden_size"]),
        ({"model": "multimodell"}, ["multimodell", "multimodel"]),
        ({"mode": "trian"}, ["mode", "trian"]),
        ({"train_steps": "0"}, ["train_steps"]),
        ({"output_dirr": "x"}, ["output_dirr", "--output_dir"]),
        ({"output_dir": None}, ["--output_dir"]),
        ({"data_dir": None}, ["--data_dir"]),
        ({"output_dir": "/dev/null/out"}, ["/dev/null/out", "can't be written"]),
        ({"mode": "evaluate", "output_dir": "/nowhere"}, ["no directory", "/nowhere"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_mistake_is_one_line_before_tensorflow_is_imported(place, tmp_path, flags, words):
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('TensorFlow was imported')")
    refused(run(command(place, output="other", **flags), PYTHONPATH=str(tmp_path)), *words)
