"""Fine-tuning: frozen weights, and a body that learns more slowly."""

import numpy as np
import pytest

from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.reporting.console import Silent
from t2t_mm.runs.names import named_variables
from t2t_mm.training.trainer import Trainer
from tests.simplest import simplest
from tests.toys import TINY, Toy


def trained(model, **changes):
    """{name of a weight: how far it moved} in eight steps."""
    config = RunConfig(train_steps=8, model=model)
    one = Trainer([Toy()], TINY.replace(**changes), config, console=Silent())
    weights = {name: v for name, v in named_variables(one.model).items() if v.trainable}
    before = {name: v.numpy().copy() for name, v in weights.items()}
    one.train()
    return {name: np.abs(v.numpy() - before[name]).max() for name, v in weights.items()}


def test_frozen_weights_stay_and_all_others_move():
    moved = trained("multimodel", frozen="^encoder/blocks|embedding")
    assert any(name.startswith("encoder/experts") for name in moved)
    for name, distance in moved.items():
        is_frozen = name.startswith("encoder/blocks") or "embedding" in name
        assert (distance == 0) == is_frozen, name


def test_a_body_at_a_lower_rate_moves_less():
    fast, slow = (trained(simplest(), optimizer="muon", body_rate=rate) for rate in (1.0, 0.01))
    body = [name for name in fast if name.startswith(("encoder/", "decoder/"))]
    nets = [name for name in fast if name.startswith("nets/")]
    assert body and nets
    assert np.mean([slow[n] for n in body]) < 0.05 * np.mean([fast[n] for n in body])
    assert np.mean([slow[n] for n in nets]) > 0.3 * np.mean([fast[n] for n in nets])


@pytest.mark.parametrize(
    "pattern, told",
    [
        ("(", "is not a regular expression"),
        ("encodre", "matches the name of no weight. Names start with commands/"),
        ("", None),
        (".", "leaves nothing of toy_copy to train"),
    ],
)
def test_patterns_that_make_no_sense(pattern, told):
    make = lambda: Trainer([Toy()], TINY.replace(frozen=pattern), console=Silent())  # noqa: E731
    if told is None:
        assert not make()._train_step.tuning.frozen
        return
    with pytest.raises(UserError, match=told.replace(".", "[.]")):
        make()
