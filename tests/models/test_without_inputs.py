"""A language model beside a problem with inputs."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.modalities.nothing.spec import Nothing
from tests.layers.conformance import awake
from tests.models.cases import HP, MODELS, PROBLEMS, TEXT, batch, problem
from tests.models.test_incremental import incremental, teacher_forced

TELL = problem("tell", Nothing(), TEXT, "to-english")


@pytest.fixture(scope="module", params=MODELS.values(), ids=MODELS)
def model(request):
    return awake(request.param(HP, [TELL, PROBLEMS["translate"]]))


def test_decoding_equals_teacher_forcing(model):
    data = batch(TELL, target_length=5)
    wanted = teacher_forced(model, data, "tell")
    np.testing.assert_allclose(incremental(model, data, "tell"), wanted, atol=1e-4)


def test_its_token_learns_and_other_problems_leave_it(model):
    token = model.nets["nothing"].token
    for name, is_read in (("tell", True), ("translate", False)):
        with tf.GradientTape() as tape:
            logits = model(batch(model.problems[name]), problem=name, training=True)["logits"]
            loss = tf.reduce_sum(tf.math.log_softmax(logits)[..., 3])
        gradient = tape.gradient(loss, token.value)
        assert (gradient is not None and np.abs(gradient).max() > 0) == is_read
        assert any(each is token for each in model.variables_of(name)) == is_read
