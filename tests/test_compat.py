"""Private API of other packages: what we use of it does what we take it to do."""

import keras
import pytest

from t2t_mm import compat

# ---- TensorFlow


@pytest.mark.parametrize(
    "name", ["de.en", "..", ".S", "/.S", "a/b.c", "..S/", "日本/ä.", "S.S", ""]
)
def test_names_come_back_from_the_keys_of_a_checkpoint(name):
    from tensorflow.python.trackable.trackable_utils import escape_local_name

    assert compat.unescaped_checkpoint_key(escape_local_name(name)) == name


# ---- Keras


def test_a_layer_knows_what_it_made_and_took_up_itself():
    class Outer(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = keras.layers.Dense(2)
            self.count = self.add_weight(name="count", shape=(), trainable=False)
            self.scale = self.add_weight(name="scale", shape=())

    outer = Outer()
    outer.inner.build((None, 3))
    assert [v.name for v in compat.own_variables(outer)] == ["scale", "count"]
    assert [v.name for v in compat.own_variables(outer.inner)] == ["kernel", "bias"]
    assert compat.own_layers(outer) == [outer.inner]
