"""Answers from compiled graphs: each made once, whatever threads ask; failures that JSON can
hold."""

import concurrent.futures
import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.decoding import Beam, Decoded, Search
from t2t_mm.errors import UserError
from t2t_mm.inference.predictor import Predictor, finite
from t2t_mm.modalities.language.spec import Language
from t2t_mm.models.multimodel import MultiModel
from tests.toys import TINY, Toy, ToyClass

VALUE = "3 4 5"


@dataclasses.dataclass(frozen=True)
class Numbers(Language):
    """Numbers as a person writes them."""

    def read(self, value):
        return np.array([int(number) for number in value.split()], np.int32)

    def read_in_graph(self, content):
        return tf.constant([3, 4, 5])


class Readable(Toy):
    """Toys that answer what a person writes."""

    inputs = Numbers(vocab="numbers", size=12)

    def decode_targets(self, ids):
        return " ".join(map(str, ids))


class ReadableClass(Readable):
    """The same, of classes."""

    command, targets = ToyClass.command, ToyClass.targets


@pytest.fixture(scope="module")
def model():
    return MultiModel(TINY, [Readable("toy"), ReadableClass("toy_class")])


@pytest.fixture
def predictor(model):
    problems = {name: model.problems[name] for name in ("toy", "toy_class")}
    return Predictor(model, problems, TINY)


def test_a_class_is_answered_by_a_compiled_graph(predictor, monkeypatch):
    plain = predictor.logits
    calls = []
    monkeypatch.setattr(predictor, "logits", lambda *args: calls.append(1) or plain(*args))
    first = predictor.predict("toy_class", VALUE)
    several = predictor.predict("toy_class", ["3 4", VALUE, "5 4 3 2 1"])
    assert calls == [1] and several[1]["label"] == first["label"]
    monkeypatch.setattr(predictor, "_classify", plain)
    eager = predictor.predict("toy_class", VALUE)
    assert eager["label"] == first["label"]
    assert eager["probability"] == pytest.approx(first["probability"], abs=1e-5)


@pytest.mark.parametrize("problem", ["toy", "toy_class"])
def test_the_first_calls_of_several_threads_make_one_graph(predictor, monkeypatch, problem):
    made = []
    built, logits = Search.built, Predictor.logits
    monkeypatch.setattr(Search, "built", lambda *args: made.append(1) or built(*args))
    monkeypatch.setattr(Predictor, "logits", lambda *args: made.append(1) or logits(*args))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ask = lambda _: predictor.predict(problem, VALUE, longest=4)  # noqa: E731
        answers = list(pool.map(ask, range(4)))
    assert made == [1] and all("error" not in answer for answer in answers)


def test_a_model_can_be_warmed_up(predictor):
    predictor.warm_up(longest=4)
    graphs = dict(predictor._graphs)
    assert len(graphs) == 2
    predictor.predict("toy", VALUE, longest=4)
    predictor.predict("toy_class", VALUE)
    assert predictor._graphs == graphs
    with pytest.raises(UserError, match="not on wmt_ende"):
        predictor.warm_up(["wmt_ende"])


def test_a_failure_has_a_form_in_json():
    model = MultiModel(TINY, [Readable("toy"), ReadableClass("toy_class")])
    for variable in model.trainable_variables:
        variable.assign(variable * np.nan)
    predictor = Predictor(model, model.problems, TINY)
    for problem, value in (("toy", VALUE), ("toy_class", VALUE), ("toy", "no number"), ("toy", 3)):
        answer = predictor.predict(problem, value, longest=4)
        assert list(answer) == ["error"]
        json.loads(json.dumps(answer, allow_nan=False))


def test_an_answer_with_a_number_that_is_none_is_an_error():
    good = {"outputs": "x", "score": -1.5, "log_prob": -3.0}
    assert finite(good) is good
    for name in ("score", "log_prob"):
        for odd in (float("-inf"), float("nan")):
            assert "no finite score" in finite(good | {name: odd})["error"]


def test_many_hypotheses_take_fewer_inputs_at_a_time(predictor, monkeypatch):
    rows = []
    nothing = Decoded(np.zeros([2, 1, 1], np.int32), np.zeros([2, 1]), np.zeros([2, 1]))

    def noted(problem, batch, *args):
        rows.append(batch["inputs"].shape[0])
        return nothing

    monkeypatch.setattr(predictor, "decode", noted)
    predictor.predict("toy", [VALUE] * 6, Beam(100), longest=2)
    assert rows == [2, 2, 2]


@pytest.mark.parametrize(
    "options",
    [
        {"top": 0},
        {"longest": 0},
        {"top": "x"},
        {"seed": 10**30},
        {"seed": -1},
        {"first": 1.5},
        {"seed": None},
    ],
)
def test_an_option_that_can_not_be_is_told(predictor, options):
    with pytest.raises(UserError, match=f"{next(iter(options))} is a whole number from"):
        predictor.predict("toy_class", VALUE, **options)


@pytest.mark.parametrize("problem", [3, None, "", ["toy"]])
def test_a_problem_that_is_none_is_told(predictor, problem):
    with pytest.raises(UserError, match="The model was trained on toy, toy_class, not on"):
        predictor.predict(problem, VALUE)
