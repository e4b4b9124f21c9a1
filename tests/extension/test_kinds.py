"""A problem of each kind in a file of a user's directory: trained together, killed, resumed,
decoded, explained, exported and reloaded."""

import json
import re
import signal
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as Picture

import t2t_mm
from t2t_mm import export, registry
from t2t_mm.cli import decoding
from t2t_mm.config.run import RunConfig
from t2t_mm.data import prepare
from t2t_mm.decoding import Sampling
from t2t_mm.errors import UserError
from t2t_mm.inference.explain import explain
from t2t_mm.reporting.console import Silent
from t2t_mm.runs.directory import OutputDir
from t2t_mm.training.trainer import Trainer
from tests import commands
from tests.cli.test_decoder import DEFAULTS
from tests.toys import SMALL

ROOT = Path(__file__).parents[2]
KINDS = Path(__file__).with_name("kinds")
WAVES = [np.sin(np.arange(length)[:, None] / 2 + [0.0, 1.0]) for length in (21, 40)]
ODD = ["größe 3", "日本 😀 \u2581 e\u0301", "a\0b", "\ufeffx\x10", "x" * 300]
INPUTS = {  # of each problem other than the two that have tests of their own
    "topics": ["Message 3.", "It is cold."],
    "degrees": ["It is warm, 7.", "It is cold, 12."],
    "gusts": WAVES,
    "to_bytes": ODD,
    "to_characters": ODD,
}
NAMES = ("weather", "asked", *INPUTS)
UNREADABLE = ["\ud800", "", "y" * 600_000]
NO_SERIES = [
    np.full([9, 2], np.nan),
    np.zeros([9, 3]),
    np.zeros([20_000, 2]),
    "[[1, 2], [3]]",
    "no.npy",
]
BAD = dict.fromkeys(INPUTS, UNREADABLE) | {"gusts": NO_SERIES}  # what each refuses
ASKED = {"question": "How dark is it?"}
LONGEST = 12
SET = "transformer_tiny"
STEPS, SAVED, MORE = 10_000, 3, 6  # in all; until the first checkpoint; after the kill


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with a run that was killed with SIGKILL and then went on to its end, and an
    export of it."""
    place = tmp_path_factory.mktemp("kinds")
    (place / "raw").mkdir()
    for i in range(3):
        Picture.fromarray(np.full((64, 64, 3), 80 * i, np.uint8)).save(place / f"raw/{i}.png")
    killed = commands.Command(command_of(place), cwd=ROOT)
    deadline = time.monotonic() + 600
    while killed.returncode is None and time.monotonic() < deadline:
        if any(place.glob("run/checkpoints/ckpt-*.index")):
            killed.send_signal(signal.SIGKILL)
            break
        time.sleep(0.02)
    assert killed.wait(60) == -signal.SIGKILL, killed.stderr
    assert killed.stdout.count("characters and bytes from 30 lines of to_bytes inputs") == 1
    before = OutputDir(place / "run").recorded_problems()

    registry.load_directory(str(KINDS))
    problems = [registry.problem(name).configure(SMALL) for name in NAMES]
    found = prepare.resolve(problems, place / "data", SMALL)
    config = RunConfig(train_steps=STEPS, model="transformer", decode_examples=4)
    trainer = Trainer(found, SMALL, config, place / "run", console=Silent())
    trainer.resume()
    assert trainer.step >= SAVED
    trainer.train(trainer.step + MORE)
    trainer.evaluate()
    assert OutputDir(place / "run").recorded_problems() == before
    model = t2t_mm.load(place / "run")
    export.export(model, place / "export", longest=LONGEST, scores=True, prefixes=True)
    return place


def command_of(place):
    """The command line that trains on all kinds."""
    sizes = ",".join(
        f"{name}={value}" for name, (value, _) in SMALL.diff(registry.hparams(SET)).items()
    )
    flags = {
        "t2t_usr_dir": KINDS,
        "problems": "+".join(NAMES),
        "model": "transformer",
        "hparams_set": SET,
        "hparams": sizes,
        "generate_data": "true",
        "train_steps": STEPS,
        "save_every": SAVED,
        "raw_dir": place / "raw",
        "data_dir": place / "data",
        "output_dir": place / "run",
    }
    trainer = ROOT / "t2t_mm_trainer.py"
    return [sys.executable, trainer, *(f"--{name}={value}" for name, value in flags.items())]


@pytest.fixture(scope="module")
def model(place):
    return t2t_mm.load(place / "run")


@pytest.fixture(scope="module")
def served(place):
    return t2t_mm.load(place / "export")


@pytest.fixture(scope="module")
def signatures(served):
    """What clients of the export call, kept alive by what holds it."""
    return tf.saved_model.load(str(served.path)).signatures


def decoded(place, capsys, **flags):
    """What the decoder writes."""
    flags = DEFAULTS | {"problem": "weather", "decode_length": LONGEST} | flags
    decoding.run(types.SimpleNamespace(output_dir=place / "run", **flags))
    return capsys.readouterr().out.split("\n")[:-1]


def assert_equal(answer, other):
    """The same texts, and numbers that are as good as equal, however nested."""
    if isinstance(answer, dict):
        assert answer.keys() == other.keys()
        answer, other = zip(*((answer[key], other[key]) for key in answer), strict=True)
    if isinstance(answer, list | tuple):
        for one, another in zip(answer, other, strict=True):
            assert_equal(one, another)
    else:
        assert other == (
            answer if isinstance(answer, str) else pytest.approx(answer, rel=1e-4, abs=1e-4)
        )


def test_each_kind_is_measured(place):
    metrics = json.loads((place / "run/metrics_validation.json").read_text())
    found = metrics["problems"]
    assert metrics["step"] >= SAVED + MORE and set(found) == set(NAMES)
    assert {"micro_f1", "macro_f1"} <= set(found["topics"])
    assert {"rmse", "mae", "pearson"} <= set(found["degrees"])
    assert "accuracy" in found["gusts"] and "exact_match" in found["to_bytes"]


@pytest.mark.parametrize("name", INPUTS)
def test_each_kind_is_answered_alike_by_run_and_export(model, served, name):
    good, bad = INPUTS[name], BAD[name]
    answers = model.predict(name, [good[0], *bad, *good[1:]], longest=LONGEST)
    others = served.predict(name, [good[0], *bad, *good[1:]])
    for found in (answers, others):
        refused = found[1 : 1 + len(bad)]
        assert all(answer.keys() == {"error"} and "\n" not in answer["error"] for answer in refused)
        del found[1 : 1 + len(bad)]
    assert_equal(others, answers)
    assert_equal([model.predict(name, good[1], longest=LONGEST)], answers[1:2])  # rows are apart
    json.dumps(answers).encode()


def test_signatures_take_series_as_serialised_tensors(signatures):
    serve = signatures["gusts"]
    values = [WAVES[0], *NO_SERIES[:2]]
    sent = [tf.io.serialize_tensor(tf.constant(each, tf.float32)) for each in values]
    classes = serve(inputs=tf.stack([*sent, b"text"]))["classes"].numpy().tolist()
    assert classes[0] in (0, 1) and classes[1:] == [-1, -1, -1]


def test_targets_without_a_log_probability_have_no_scores(model, signatures, place):
    scored = {name.removesuffix("_score") for name in signatures if name.endswith("_score")}
    assert scored == set(NAMES) - {"topics", "degrees"}
    with pytest.raises(UserError, match="targets of topics, degrees have no log-probability"):
        export.export(model, place / "none", problems=["topics", "degrees"], scores=True)


@pytest.mark.parametrize("name", INPUTS)
def test_each_kind_is_explained_and_decoded(place, model, capsys, tmp_path, name):
    values = INPUTS[name][:2]
    assert len(explain(model, name, values[0]).inputs) > 1
    lines = [json.dumps(each.tolist()) if name == "gusts" else each for each in values]
    (tmp_path / "in.txt").write_text("\n".join(lines) + "\n")
    out = decoded(place, capsys, problem=name, decode_from_file=tmp_path / "in.txt")
    answers = model.predict(name, values, longest=LONGEST)
    told = "label" if name == "gusts" else "outputs"
    assert [line.split("\t")[0] for line in out] == [answer[told] for answer in answers]


def test_what_is_learnt_of_the_data_is_that_of_the_data(place, model):
    kept = OutputDir(place / "run").recorded_problems()
    assert kept["degrees"]["targets"]["mean"] == pytest.approx([0.5, 39.5])
    assert len(kept["gusts"]["inputs"]["deviation"]) == 2
    names = sorted(path.name for path in (place / "run/vocabs").iterdir())
    assert {"letters.characters.json", "letters.characters.model"} < set(names)
    assert {"language_letters", "language_letters_as_bytes"} < set(model.model.nets)


def test_answers_are_rewritten_in_python_and_in_graph(model, served):
    for each in (model, served):
        for answer in each.predict("to_bytes", ODD):
            assert answer["outputs"][0] + answer["outputs"][-1] == "[]"


def test_a_language_model_is_measured_by_perplexities(place):
    metrics = json.loads((place / "run/metrics_validation.json").read_text())
    found = metrics["problems"]["weather"]
    assert "exact_match" not in found
    assert 1 < found["perplexity"] < found["perplexity_per_character"]
    assert found["perplexity_per_character"] < found["perplexity_per_word"]


def test_it_goes_on_from_prefixes_and_from_nothing(model, served):
    prefixes = ["It is", None, "We"]
    answers = model.predict("weather", prefix=prefixes, longest=LONGEST)
    assert answers[0]["outputs"].startswith("It is") and answers[2]["outputs"].startswith("We")
    assert_equal([model.predict("weather", longest=LONGEST)], answers[1:2])
    assert_equal(served.predict("weather", prefix=prefixes), answers)
    assert_equal([served.predict("weather")], answers[1:2])
    drawn = model.predict("weather", [None] * 3, Sampling(), LONGEST)
    assert len({answer["outputs"] for answer in drawn}) == 3


def test_its_scores_are_of_the_text_alone(model, served):
    texts = ["It is warm.", "It"]
    for score, other in zip(
        model.score("weather", None, texts), served.score("weather", None, texts), strict=True
    ):
        assert score["log_prob"] == pytest.approx(other["log_prob"], abs=1e-4)
    assert explain(model, "weather", None).inputs == ["<nothing>"]


def test_what_is_given_as_its_input_is_refused(model, served):
    for each in (model, served):
        answers = each.predict("weather", ["", "It is"])
        assert "outputs" in answers[0] and "has no input" in answers[1]["error"]


def test_the_decoder_takes_prefixes_scores_and_a_number_of_outputs(place, capsys, tmp_path):
    (tmp_path / "lines.txt").write_text("It is\n\nWe\n")
    lines = decoded(place, capsys, prefixes=tmp_path / "lines.txt")
    assert [line[:2] for line in lines[::2]] == ["It", "We"] and len(lines) == 3
    assert decoded(place, capsys) == lines[1:2]
    assert len(set(decoded(place, capsys, examples=3, sampling_temperature=1.0))) == 3
    scores = decoded(place, capsys, score_targets=tmp_path / "lines.txt")
    assert len(scores) == 3 and scores[0].split("\t")[1] == "I"
    with pytest.raises(UserError, match="weather has no inputs, and --decode_from_file names"):
        decoded(place, capsys, decode_from_file=tmp_path / "lines.txt")
    with pytest.raises(UserError, match="compare with no reference: .*measures its perplexity"):
        decoded(place, capsys, split="validation", data_dir=place / "data")


@pytest.fixture
def questions(place):
    """Each picture, a question as JSON, and one without a picture."""
    asked = [ASKED | {"picture": f"{place}/raw/{i}.png"} for i in range(3)]
    return [*asked[:2], json.dumps(asked[2]), ASKED]


def test_several_inputs_are_answered_alike_by_run_and_export(model, served, questions):
    answers = model.predict("asked", questions, longest=LONGEST)
    assert_equal(served.predict("asked", questions), answers)
    assert_equal([model.predict("asked", ASKED, longest=LONGEST)], answers[3:])
    assert len({answer["log_prob"] for answer in answers}) == 4  # the picture counts
    prefixed = model.predict("asked", questions, longest=LONGEST, prefix="1")
    assert_equal(served.predict("asked", questions, prefix="1"), prefixed)
    scores = [each.score("asked", questions[0], "1.")["log_prob"] for each in (model, served)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)


@pytest.mark.parametrize(
    "value, told",
    [
        ({"picture": "a.png"}, "the input 'question' is missing, beside picture"),
        (ASKED | {"colour": "red"}, "there is no input 'colour', only question, picture"),
        (ASKED | {"picture": "/none.png"}, "picture: .*No such file"),
        ({"question": " "}, "question: the text is empty"),
        ("How dark", "a JSON object {.question.: a text.* is expected, and this is no JSON"),
        (3, "is expected, not int"),
    ],
)
def test_what_is_not_all_the_inputs_is_refused(model, served, value, told):
    for each in (model, served):
        (answer,) = each.predict("asked", [value])
        assert re.search(told, answer["error"])


def test_an_explanation_names_the_positions_of_all_inputs(model, questions):
    labels = explain(model, "asked", questions[0]).inputs
    assert labels[14:18] == ["?", "</s>", "1,1", "1,2"] and len(labels) == 16 + 16
    assert explain(model, "asked", ASKED).inputs[14:18] == ["?", "</s>", "", ""]


def test_the_decoder_takes_several_inputs_as_json_lines(place, capsys, tmp_path, questions):
    lines = [each if isinstance(each, str) else json.dumps(each) for each in questions]
    (tmp_path / "in.txt").write_text("\n".join([*lines, "{}"]) + "\n")
    out = decoded(place, capsys, problem="asked", decode_from_file=tmp_path / "in.txt")
    assert len(out) == 5 and out[4] == ""
    scored = decoded(place, capsys, problem="asked", split="validation", data_dir=place / "data")
    assert len(scored) == 6
