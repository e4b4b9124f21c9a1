"""What a variable is, said by tags or seen from its axes."""

import keras
import numpy as np
import pytest

from t2t_mm.layers.attention import MultiHeadAttention
from t2t_mm.layers.convolution import ConvStep
from t2t_mm.layers.convolution2d import ConvStep2D
from t2t_mm.layers.feed_forward import FeedForward
from t2t_mm.layers.moe import MixtureOfExperts
from t2t_mm.layers.roles import is_expert, role, tag
from t2t_mm.modalities.language.spec import Language
from t2t_mm.models.multimodel import MultiModel
from tests.models.cases import HP, PROBLEMS


def built(layer, rank=3):
    layer.build((*[None] * (rank - 1), 16))
    return layer


def roles(layer):
    return {variable.name: role(variable) for variable in layer.trainable_variables}


def test_every_layer_says_what_its_variables_are():
    norm = {"scale": "vector", "offset": "vector"}
    step = {"depthwise": "depthwise", "pointwise": "matrix", **norm}
    dense = {"w1": "matrix", "b1": "vector", "w2": "matrix", "b2": "vector"}
    assert roles(built(ConvStep(8, 3))) == step
    assert roles(built(ConvStep2D(8), rank=4)) == step
    assert set(roles(built(MultiHeadAttention(16, 4))).values()) == {"matrix"}
    assert roles(built(FeedForward(8))) == dense
    experts = built(MixtureOfExperts(4, 8, k=2))
    assert roles(experts) == {"w_gate": "gate", "w_noise": "gate", **dense}
    by_expert = {v.name for v in experts.trainable_variables if is_expert(v)}
    assert by_expert == {"w1", "b1", "w2", "b2"}


def test_tables_of_a_language_are_embeddings():
    net = Language(vocab="v", size=50).net(HP.replace(share_embeddings=False))
    net.build_bottom()
    net.build_top()
    assert set(roles(net).values()) == {"embedding"}


def test_untagged_variables_go_by_their_axes():
    shapes = {(): "vector", (3,): "vector", (3, 4): "matrix", (2, 3, 4): "matrix"}
    for shape, wanted in {**shapes, (3, 3, 4, 1): "other"}.items():
        assert role(keras.Variable(np.zeros(shape, "float32"))) == wanted
    table = keras.layers.Embedding(5, 3)
    table.build()
    assert role(table.trainable_variables[0]) == "embedding"


def test_a_model_made_again_has_the_same_roles():
    model = MultiModel(HP, [PROBLEMS["caption"]])
    again = MultiModel.from_config(model.get_config())
    assert [role(v) for v in again.variables] == [role(v) for v in model.variables]


def test_an_unknown_role_is_refused():
    with pytest.raises(ValueError, match="embedding.*'table'"):
        tag(keras.Variable(np.zeros((3, 4), "float32")), "table")
