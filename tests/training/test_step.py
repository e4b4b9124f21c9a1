"""The train step on the real model: who moves, what is clipped, what is compiled."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import registry
from t2t_mm.data.pipeline.batching import batches
from t2t_mm.runs.names import named_variables
from t2t_mm.training.optimizers import make_optimizer
from t2t_mm.training.step import TrainStep, clip_scale
from tests.toys import TINY, Toy, ToyClass

PROBLEMS = {p.name: p for p in (Toy("toy_copy"), ToyClass("toy_first"))}


@pytest.fixture(scope="module")
def model():
    return registry.model("multimodel")(TINY, list(PROBLEMS.values()))


@pytest.fixture(scope="module")
def step(model):
    return TrainStep(model, make_optimizer(TINY, model.trainable_variables), TINY)


def data(name):
    return batches(PROBLEMS[name], "train", TINY, training=True)


@pytest.mark.parametrize("name", PROBLEMS)
def test_moves_every_weight_of_the_path_and_no_other(model, step, name):
    names = {id(v): path for path, v in named_variables(model).items()}
    path = {names[id(v)] for v in model.variables_of(name)}
    assert path < {names[id(v)] for v in model.trainable_variables}
    before = {names[id(v)]: v.numpy().copy() for v in model.trainable_variables}
    # Branches start at zero, so that what is inside of one has no gradient before its scale has
    # moved; they nest.
    for batch in data(name).take(8):
        step(name, batch, np.float32(0.01))
    moved = {
        names[id(v)] for v in model.trainable_variables if (v.numpy() != before[names[id(v)]]).any()
    }
    assert moved == path


def test_the_learning_rate_is_that_of_the_call_and_a_step_counts_once(model, step):
    before = [v.numpy().copy() for v in model.trainable_variables]
    steps = int(step.optimizer.iterations)
    step("toy_copy", next(iter(data("toy_copy"))), np.float32(0.0))
    for variable, was in zip(model.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(variable, was)
    assert int(step.optimizer.iterations) == steps + 1


def test_problems_and_lengths_share_the_compiled_body(model, step):
    for name in PROBLEMS:
        for batch in data(name).take(3):
            step(name, batch, np.float32(0.0))
    for part in ("encoder", "body"):
        assert len(model.run_part.parts[part].graphs) == 1


def test_gradients_are_clipped_to_the_norm_of_all_together():
    """Over all parts, not each by itself: Adam hides the scale, so that its first moments are
    looked at."""
    small = TINY.replace(clip_norm=1e-3, beta1=0.0)
    model = registry.model("multimodel")(small, [PROBLEMS["toy_copy"]])
    step = TrainStep(model, make_optimizer(small, model.trainable_variables), small)
    norm = step("toy_copy", next(iter(data("toy_copy"))), np.float32(0.0))["gradient_norm"]
    assert norm > 0.01
    moments = tf.linalg.global_norm([m.value for m in step.optimizer._momentums])
    np.testing.assert_allclose(moments, 1e-3, rtol=1e-3)


def test_clip_scale():
    norms = tf.constant([5.0, 1.0, 0.5])
    np.testing.assert_allclose(clip_scale(norms, 1.0), [0.2, 1.0, 1.0])
    np.testing.assert_array_equal(clip_scale(norms, 0.0), [1, 1, 1])
    assert np.isnan(clip_scale(tf.constant(np.nan), 1.0))


def test_a_weight_without_gradient_is_an_error(model):
    class Careless:
        body_layers = variables = []
        problems = model.problems

        def __call__(self, batch, problem, training):
            return model(batch, problem=problem, training=training)

        def parts_of(self, problem):
            return [model.trainable_variables]  # those of the other problem too

    step = TrainStep(Careless(), make_optimizer(TINY, model.trainable_variables), TINY)
    with pytest.raises(ValueError, match="No gradient reaches.*toy_copy"):
        step("toy_copy", next(iter(data("toy_copy"))), np.float32(0.0))
