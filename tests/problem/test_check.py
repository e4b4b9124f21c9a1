"""What a problem's class has to give."""

import pytest

from t2t_mm.errors import UserError
from t2t_mm.modalities.language.spec import Language
from t2t_mm.problem.base import Problem

WORDS = Language(vocab="words")


def test_a_class_without_data_is_refused_with_what_is_nearly_right():
    def check(**members):
        made = {"name": "mine", "inputs": WORDS, "targets": WORDS, **members}
        type("Mine", (Problem,), {"command": "to-mood", **made})().check()

    with pytest.raises(UserError, match="mine: its class has to say where its data comes from"):
        check()
    with pytest.raises(UserError, match="it has genrate: is that to be called generate"):
        check(genrate=lambda self, split, raw_dir: [])
    for good in ({"generate": lambda self, split, raw_dir: []}, {"dataset": "mnist"}):
        check(**good)
