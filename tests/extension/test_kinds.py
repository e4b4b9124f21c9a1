"""Problems of a user's own with other than one input, from a directory: trained, resumed, decoded,
explained, exported and reloaded."""

import json
import re
import types
from pathlib import Path

import numpy as np
import pytest
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
from t2t_mm.training.trainer import Trainer
from tests.cli.test_decoder import DEFAULTS
from tests.toys import SMALL

MINE = Path(__file__).with_name("inputs")
NAMES = ("weather", "asked")
ASKED = {"question": "How dark is it?"}
LONGEST = 12


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with a run of two steps, then two more, and an export of it."""
    place = tmp_path_factory.mktemp("inputs")
    registry.load_directory(str(MINE))
    (place / "raw").mkdir()
    for i in range(3):
        Picture.fromarray(np.full((64, 64, 3), 80 * i, np.uint8)).save(place / f"raw/{i}.png")
    problems = [registry.problem(name).configure(SMALL) for name in NAMES]
    prepare.prepare(problems, place / "data", place / "raw", log=lambda line: None)
    for steps in (2, 4):
        found = prepare.resolve(problems, place / "data", SMALL)
        config = RunConfig(train_steps=steps, model="transformer", decode_examples=4)
        trainer = Trainer(found, SMALL, config, place / "run", console=Silent())
        trainer.train()
    trainer.evaluate()
    model = t2t_mm.load(place / "run")
    export.export(model, place / "export", longest=LONGEST, scores=True, prefixes=True)
    return place


@pytest.fixture(scope="module")
def model(place):
    return t2t_mm.load(place / "run")


@pytest.fixture(scope="module")
def served(place):
    return t2t_mm.load(place / "export")


def decoded(place, capsys, **flags):
    """What the decoder writes."""
    flags = DEFAULTS | {"problem": "weather", "decode_length": LONGEST} | flags
    decoding.run(types.SimpleNamespace(output_dir=place / "run", **flags))
    return capsys.readouterr().out.split("\n")[:-1]


def assert_equal(answers, others):
    for answer, other in zip(answers, others, strict=True):
        assert answer["outputs"] == other["outputs"]
        assert answer["log_prob"] == pytest.approx(other["log_prob"], abs=1e-4)


def test_a_language_model_is_measured_by_perplexities(place):
    metrics = json.loads((place / "run/metrics_validation.json").read_text())
    found = metrics["problems"]["weather"]
    assert metrics["step"] == 4 and "exact_match" not in found
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
