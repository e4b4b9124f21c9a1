"""Optimizers that update a part of the variables."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm import registry
from t2t_mm.config.hparams import HParams
from t2t_mm.errors import UserError
from t2t_mm.execution.strategies import mirrored_cpus
from t2t_mm.layers.roles import tag
from t2t_mm.training.optimizers import make_optimizer
from t2t_mm.training.path_optimizers import orthogonalise


def hparams(optimizer, **values):
    return HParams(
        optimizer=optimizer, learning_rate=0.01, beta1=0.9, beta2=0.98, epsilon=1e-8, **values
    )


def decay_of(name, weight_decay=0.1):
    """The weight decay to give an optimizer: adam refuses any."""
    return {} if name == "adam" else {"weight_decay": weight_decay}


def variables(*shapes):
    random = np.random.default_rng(0)
    return [
        keras.Variable(random.normal(size=shape), dtype="float32", name=f"v{i}")
        for i, shape in enumerate(shapes)
    ]


def gradients(step, *of):
    random = np.random.default_rng(step)
    return [tf.constant(random.normal(size=v.shape), tf.float32) for v in of]


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_equals_keras_where_every_step_trains_everything(name):
    ours, theirs = variables((3, 4), (5,)), variables((3, 4), (5,))
    optimizer = make_optimizer(hparams(name, **decay_of(name)), ours)
    reference = keras.optimizers.AdamW(
        0.01, weight_decay=0.1 if name == "adamw" else 0.0, beta_2=0.98, epsilon=1e-8
    )
    reference.exclude_from_weight_decay(var_list=[theirs[1]])
    for step in range(5):
        optimizer.apply(gradients(step, *ours), ours)
        reference.apply(gradients(step, *theirs), theirs)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5)


def test_a_variable_trained_now_and_then_moves_as_if_it_were_alone():
    rare, often, alone = variables((4,), (4,), (4,))
    alone.assign(rare)
    optimizer = make_optimizer(hparams("adam"), [rare, often])
    reference = keras.optimizers.Adam(0.01, beta_2=0.98, epsilon=1e-8)
    for step in range(12):
        path = [rare, often] if step % 5 == 4 else [often]
        optimizer.apply(gradients(step, *path), path)
        if path[0] is rare:
            reference.apply(gradients(step, alone), [alone])
    np.testing.assert_allclose(rare, alone, rtol=1e-6)
    assert int(optimizer.iterations) == 12


@pytest.mark.parametrize("name", registry.list_optimizers())
def test_only_what_is_on_the_path_moves_and_moments_with_it(name):
    on, off, matrix = variables((6,), (4, 5), (40, 48))
    optimizer = make_optimizer(hparams(name, **decay_of(name)), [on, off, matrix])
    step = tf.function(lambda *g: optimizer.apply(g, [on, matrix]))
    optimizer.apply(gradients(0, on, off, matrix), [on, off, matrix])
    state = [
        v
        for v in optimizer.variables
        if tuple(v.shape) in ((4, 5), (4,), (5,)) and "updates" not in v.path
    ]
    assert state
    before, value = [v.numpy().copy() for v in state], off.numpy().copy()
    moved = [on.numpy().copy(), matrix.numpy().copy()]
    step(*gradients(1, on, matrix))
    np.testing.assert_array_equal(off, value)
    for was, now in zip(before, state, strict=True):
        np.testing.assert_array_equal(was, now)
    assert all((was != now.numpy()).any() for was, now in zip(moved, [on, matrix], strict=True))


@pytest.mark.parametrize("shape", [(40, 64), (64, 40), (3, 40, 64)])
def test_orthogonalise_makes_singular_values_equal(shape):
    matrix = tf.constant(np.random.default_rng(0).normal(size=shape), tf.float32)
    values = tf.linalg.svd(orthogonalise(matrix), compute_uv=False)
    assert tf.reduce_min(values) > 0.7 and tf.reduce_max(values) < 1.3


def test_orthogonalise_lifts_small_singular_values_and_keeps_directions():
    u, _, v = np.linalg.svd(np.random.default_rng(0).normal(size=(48, 96)), full_matrices=False)
    spread = np.geomspace(1, 0.02, 48)
    matrix = tf.constant(7.0 * (u * spread) @ v, tf.float32)
    inside = u.T @ orthogonalise(matrix).numpy() @ v.T  # diagonal, if directions are kept
    lifted = np.diag(inside)
    assert lifted.min() > 0.7 and lifted.max() < 1.3
    np.testing.assert_allclose(inside, np.diag(lifted), atol=1e-4)


def test_orthogonalise_leaves_nothing_at_nothing():
    np.testing.assert_array_equal(orthogonalise(tf.zeros((4, 6))), np.zeros((4, 6)))


def test_muon_takes_stacks_matrix_by_matrix_and_leaves_the_rest_to_adam():
    stack, single = variables((2, 40, 48), (40, 48))
    single.assign(stack.numpy()[1])
    thin, vector, table, kernel = variables((40, 8), (7,), (50, 40), (15, 40))
    tag(table, "embedding"), tag(kernel, "depthwise")
    biases = tag(keras.Variable(np.ones((2, 48), "float32")), "vector", expert=True)
    every = [stack, single, thin, vector, table, kernel, biases]
    optimizer = make_optimizer(hparams("muon", weight_decay=0.1), every)
    assert (
        optimizer.matrices == {0, 1, 2} == {i for i, v in enumerate(every) if optimizer.decays(v)}
    )
    both = gradients(0, stack)[0]
    optimizer.apply([both, both[1]], [stack, single])
    np.testing.assert_allclose(stack[1], single, atol=1e-6)


def test_an_unknown_optimizer_is_named_with_the_nearest():
    with pytest.raises(registry.RegistryError, match="adamx.*adam"):
        make_optimizer(hparams("adamx"), variables((2,)))


@pytest.mark.parametrize("name", ["adamw", "adafactor", "muon"])
def test_weight_decay_is_decoupled_and_leaves_vectors_alone(name):
    """Without gradient a matrix shrinks by learning rate times decay, a vector stays."""
    matrix, vector = variables((40, 48), (48,))
    before = matrix.numpy(), vector.numpy()
    optimizer = make_optimizer(hparams(name, weight_decay=0.5), [matrix, vector])
    optimizer.apply([tf.zeros_like(matrix.value), tf.zeros_like(vector.value)], [matrix, vector])
    np.testing.assert_allclose(matrix, before[0] * (1 - 0.01 * 0.5), rtol=1e-5)
    np.testing.assert_array_equal(vector, before[1])


def test_adam_refuses_a_weight_decay_that_it_does_not_have():
    with pytest.raises(UserError, match="weight_decay=0.1; use optimizer=adamw, or weight_decay=0"):
        make_optimizer(hparams("adam", weight_decay=0.1), variables((2,)))


def test_adafactor_counts_the_updates_of_each_variable():
    rare, often, alone = variables((4, 5), (4, 5), (4, 5))
    alone.assign(rare)
    optimizer = make_optimizer(hparams("adafactor"), [rare, often])
    reference = keras.optimizers.Adafactor(0.01, epsilon_1=1e-16)
    for step in range(12):
        path = [rare, often] if step % 5 == 4 else [often]
        optimizer.apply(gradients(step, *path), path)
        if path[0] is rare:
            reference.apply(gradients(step, alone), [alone])
    np.testing.assert_allclose(rare, alone, rtol=1e-6)
    assert int(optimizer.iterations) == 12
    np.testing.assert_array_equal(optimizer.updates, [2, 12])


@registry.register_optimizer
def plain_descent(hparams):
    """Gradient descent, as a user would register it."""
    return keras.optimizers.SGD(hparams.learning_rate, weight_decay=hparams.weight_decay)


def test_a_registered_keras_optimizer_updates_every_replica():
    strategy = mirrored_cpus(2)
    with strategy.scope():
        matrix, vector = variables((4, 5), (5,))
        optimizer = make_optimizer(hparams("plain_descent", weight_decay=0.5), [matrix, vector])
    wanted = matrix.numpy() * (1 - 0.01 * 0.5) - 0.01, vector.numpy() - 0.01
    ones = [tf.ones_like(matrix.value), tf.ones_like(vector.value)]
    optimizer.apply(ones, [matrix, vector])  # called once, with summed gradients
    for variable, value in zip((matrix, vector), wanted, strict=True):
        for copy in strategy.experimental_local_results(variable.value):
            np.testing.assert_allclose(copy, value, rtol=1e-5)
