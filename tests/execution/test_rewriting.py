"""Inside `as_traced` graphs are not rewritten; afterwards what was set holds again."""

import pytest
import tensorflow as tf

from t2t_mm.execution.rewriting import as_traced


def is_off():
    return tf.config.optimizer.get_experimental_options().get("disable_meta_optimizer", False)


@pytest.mark.parametrize("before", [False, True])
def test_it_is_left_as_it_was_found(before):
    theirs = is_off()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": before})
    try:
        with pytest.raises(KeyError), as_traced():
            assert is_off()
            raise KeyError
        assert is_off() == before
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": theirs})
