"""What is the MultiModel's own: its ablations, and the shortcut of classes."""

import numpy as np
import pytest

from t2t_mm.models.multimodel import MultiModel
from tests.layers.conformance import awake
from tests.models.cases import HP, PROBLEMS, batch


def test_the_encoder_path_leaves_the_body_out():
    model = MultiModel(HP.replace(categorical_path="encoder"), [PROBLEMS["classify_image"]])
    path = {id(v) for v in model.variables_of("classify_image")}
    assert not path & {id(v) for v in [*model.mixer.weights, *model.decoder.weights]}
    assert model(batch(PROBLEMS["classify_image"]), problem="classify_image")["logits"].shape == (
        2,
        1,
        5,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"moe_layers": "none"},
        {"moe_layers": "encoder"},
        {"feed_forward": "equal_flops"},
        {"feed_forward": "equal_params"},
        {"attention": False},
        {"share_embeddings": False},
    ],
    ids=str,
)
def test_ablations_learn_from_their_source(changes):
    model = awake(MultiModel(HP.replace(**changes), [PROBLEMS["translate"]]))
    data = batch(PROBLEMS["translate"])
    before = model(data, problem="translate")
    after = model(data | {"inputs": (data["inputs"] + 1) % 40}, problem="translate")
    assert np.abs(after["logits"] - before["logits"]).max() > 1e-4
    assert list(after["experts"]) == model.expert_places  # what hooks write reports of
    for report in after["experts"].values():
        assert {"importance", "load", "dropped"} <= report.keys()


def test_dense_controls_match_the_experts():
    experts, flops, params = (
        MultiModel(HP.replace(feed_forward=kind), [PROBLEMS["translate"]]).encoder.experts.experts
        for kind in ("experts", "equal_flops", "equal_params")
    )
    assert flops.w1.shape == (16, 2 * 8)
    assert np.prod(params.w1.shape) == np.prod(experts.w1.shape)


def test_dropout_and_noise_only_in_training():
    model = awake(MultiModel(HP.replace(dropout=0.5), [PROBLEMS["translate"]]))
    data = batch(PROBLEMS["translate"])
    call = lambda training: model(data, problem="translate", training=training)["logits"].numpy()  # noqa: E731
    np.testing.assert_array_equal(call(False), call(False))
    assert np.abs(call(True) - call(True)).max() > 1e-3
