"""The names of variables: unique, and the same in every process."""

import keras
import numpy as np
import pytest

from t2t_mm.errors import UserError
from t2t_mm.models.multimodel import MultiModel
from t2t_mm.runs.checkpoints import Checkpoints
from t2t_mm.runs.names import named_variables
from t2t_mm.runs.weights import weight_shapes
from tests.runs.stock import Stock
from tests.toys import TINY, Toy, ToyClass


class Holder(keras.layers.Layer):
    """Layers of Keras in all kinds of places."""

    def __init__(self):
        super().__init__()
        self.dense = built(keras.layers.Dense(2))
        self._private = built(keras.layers.Dense(2))
        self.blocks = {"a.b/c": [built(keras.layers.EinsumDense("ab,bc->ac", 2))]}
        self.sequence = built(keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(2)]))
        x = keras.Input((3,))
        self.functional = keras.Model(x, keras.layers.Dense(2)(x))
        self._unnamed = self.add_weight(shape=(2,))
        weight = self.add_weight(shape=(2,))
        self.get = lambda: weight  # held by no attribute
        self.attention = keras.layers.MultiHeadAttention(1, 2)
        self.attention.build((None, 4, 3), (None, 4, 3))


NAMES = """attention/key_dense/bias attention/key_dense/kernel attention/output_dense/bias
attention/output_dense/kernel attention/query_dense/bias attention/query_dense/kernel
attention/value_dense/bias attention/value_dense/kernel blocks/a.b/c/0/kernel dense/bias
dense/kernel functional/layers/1/bias functional/layers/1/kernel private/bias private/kernel
sequence/layers/0/bias sequence/layers/0/kernel sequence/layers/1/bias sequence/layers/1/kernel
unnamed variables/1"""


def built(layer):
    layer.build((None, 3))
    return layer


def test_all_that_stock_layers_hold_has_a_name_that_depends_on_nothing_made_before():
    for _ in range(2):  # Keras numbers the second one's layers and weights on
        holder = Holder()
        named = named_variables(holder)
        assert sorted(named) == NAMES.split()
        assert {id(v) for v in named.values()} == {id(v) for v in holder.variables}


def test_public_attributes_name_a_variable_that_private_ones_hold_too():
    layer = keras.layers.Layer()
    layer._first = layer.z = layer.add_weight(shape=())
    assert list(named_variables(layer)) == ["z"]


def test_a_private_attribute_beside_a_public_one_keeps_its_underscore():
    layer = keras.layers.Layer()
    layer.scale, layer._scale = layer.add_weight(shape=()), layer.add_weight(shape=())
    assert sorted(named_variables(layer)) == ["_scale", "scale"]


def test_two_variables_of_one_name_are_an_error():
    layer = keras.layers.Layer()
    layer.both = {"a/b": layer.add_weight(shape=()), "a": {"b": layer.add_weight(shape=())}}
    with pytest.raises(UserError, match="Two variables of layer.* have the name both/a/b"):
        named_variables(layer)


def test_the_names_of_the_multimodel_are_what_checkpoints_have():
    names = named_variables(MultiModel(TINY, [Toy("toy_copy"), ToyClass("toy_first")])).keys()
    assert names >= {
        "commands/to-first/token",
        "commands/to-numbers/token",
        "decoder/attention/0/source_attention/query",
        "encoder/blocks/0/steps/0/depthwise",
        "encoder/experts/experts/w_gate",
        "nets/categorical_first/kernel",
        "nets/language_numbers/input_table",
    }


def test_the_order_of_problems_changes_no_name_of_nets_made_of_stock_layers(tmp_path):
    one, other = Stock("toy_one"), Stock("toy_other")
    first, second = MultiModel(TINY, [one, other]), MultiModel(TINY, [other, one])
    named = named_variables(first)
    assert named.keys() == named_variables(second).keys()
    assert len(named) == len({id(v) for v in first.variables})
    optimizer = keras.optimizers.SGD()
    checkpoints = Checkpoints(tmp_path, first, optimizer)
    checkpoints.save(1)
    checkpoints.wait()
    assert weight_shapes(str(tmp_path / "ckpt-1")).keys() == named.keys()
    assert Checkpoints(tmp_path, second, optimizer).restore() == 1
    for name, variable in named_variables(second).items():
        np.testing.assert_array_equal(variable, named[name], name)
