"""Answers of several devices are those of one."""

import itertools
import threading

import pytest

from t2t_mm.decoding import Sampling
from t2t_mm.execution.strategies import mirrored_cpus
from t2t_mm.inference import predictor as module
from t2t_mm.inference.predictor import Predictor
from t2t_mm.layers import kernels
from t2t_mm.models.multimodel import MultiModel
from t2t_mm.runs.names import named_variables
from tests.inference.test_compiled import Readable
from tests.toys import TINY

INPUTS = ["3 4 5", "6", "7 8 9 10 11 3 4", "5 5", "9 8 7", "no number"]


@pytest.fixture(scope="module")
def both():
    """A predictor on one device, and one of the same weights on two."""

    def made():
        model = MultiModel(TINY, [Readable("toy")])
        return Predictor(model, model.problems, TINY)

    with mirrored_cpus(2).scope():
        two = made()
        values = {name: v.numpy() for name, v in named_variables(two.model).items()}
    one = made()
    for name, variable in named_variables(one.model).items():
        variable.assign(values[name])
    return one, two


def test_answers_are_equal_whatever_the_number_of_devices(both, monkeypatch):
    monkeypatch.setattr(module, "ROWS", 1)
    used, decode, calls, meeting = set(), Predictor.decode, itertools.count(), threading.Barrier(2)

    def noted(self, *args):
        if self is both[1] and next(calls) < 2:  # else one could do all before the other begins
            meeting.wait(300)
            used.add(int(kernels.replica()))
        return decode(self, *args)

    monkeypatch.setattr(Predictor, "decode", noted)
    drawn = {"method": Sampling(1.5), "seed": 3, "longest": 6}
    one, two = (each.predict("toy", INPUTS, **drawn) for each in both)
    assert one == two and ["error" in answer for answer in one] == [False] * 5 + [True]
    assert used == {0, 1}
