"""Answers from compiled graphs: each made once, whatever threads ask; failures that JSON can
hold."""

import concurrent.futures
import io
import json
import time

import numpy as np
import pytest
from PIL import Image

import t2t_mm
from t2t_mm.decoding import Beam, Search
from t2t_mm.errors import UserError
from t2t_mm.inference.predictor import Predictor, finite

SENTENCE = "I see two red rings."


@pytest.fixture
def model(trained):
    return t2t_mm.load(trained)


def png(seed):
    pixels = np.random.default_rng(seed).integers(0, 255, (64, 64, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def seconds(call):
    started = time.monotonic()
    call()
    return time.monotonic() - started


def test_a_class_is_answered_by_a_compiled_graph(model):
    first = model.predict("mini_imagenet", png(0))
    graphs = dict(model._graphs)
    fastest = min(seconds(lambda: model.predict("mini_imagenet", png(1))) for _ in range(3))
    batch = model.predict("mini_imagenet", [png(0), png(1)])
    assert model._graphs == graphs and len(graphs) == 1
    assert batch[0]["label"] == first["label"]
    model._classify = model.logits
    plain = model.predict("mini_imagenet", png(0))
    slow = min(seconds(lambda: model.predict("mini_imagenet", png(1))) for _ in range(2))
    assert plain["probability"] == pytest.approx(first["probability"], abs=1e-5)
    assert fastest < slow / 2


@pytest.mark.parametrize("problem, value", [("mini_ende", SENTENCE), ("mini_imagenet", png(0))])
def test_the_first_calls_of_several_threads_make_one_graph(model, monkeypatch, problem, value):
    made = []
    built, logits = Search.built, Predictor.logits
    monkeypatch.setattr(Search, "built", lambda *args: made.append(1) or built(*args))
    monkeypatch.setattr(Predictor, "logits", lambda *args: made.append(1) or logits(*args))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ask = lambda _: model.predict(problem, value, longest=4)  # noqa: E731
        answers = list(pool.map(ask, range(4)))
    assert made == [1] and all("error" not in answer for answer in answers)


def test_a_model_can_be_warmed_up(model, monkeypatch):
    model.warm_up(["mini_ende", "mini_imagenet", "mini_speech"], longest=4)
    graphs = dict(model._graphs)
    assert len(graphs) == 3
    model.predict("mini_ende", SENTENCE, longest=4)
    model.predict("mini_imagenet", png(0))
    assert model._graphs == graphs
    with pytest.raises(UserError, match="not on wmt_ende"):
        model.warm_up(["wmt_ende"])


def test_a_failure_has_a_form_in_json(model):
    for variable in model.model.trainable_variables:
        variable.assign(variable * np.nan)
    for problem, value in (("mini_ende", SENTENCE), ("mini_imagenet", png(0)), ("mini_ende", "")):
        answer = model.predict(problem, value, longest=4)
        assert list(answer) == ["error"]
        json.loads(json.dumps(answer, allow_nan=False))


def test_an_answer_with_a_number_that_is_none_is_an_error():
    good = {"outputs": "x", "score": -1.5, "log_prob": -3.0}
    assert finite(good) is good
    for name in ("score", "log_prob"):
        for odd in (float("-inf"), float("nan")):
            assert "no finite score" in finite(good | {name: odd})["error"]


def test_many_hypotheses_take_fewer_inputs_at_a_time(model, monkeypatch):
    rows = []
    decode = Predictor.decode

    def noted(self, problem, batch, *args):
        rows.append(batch["inputs"].shape[0])
        return decode(self, problem, batch, *args)

    monkeypatch.setattr(Predictor, "decode", noted)
    model.predict("mini_ende", ["A."] * 6, Beam(100), longest=2)
    assert rows == [2, 2, 2]
