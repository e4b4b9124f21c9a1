"""Every model: paths, sharing, causality, padding, for every pair of modalities."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.execution.compiled import CompiledParts
from t2t_mm.modalities.image.spec import Image
from t2t_mm.models.multimodel import MultiModel
from tests.layers.conformance import awake
from tests.models.cases import HP, MODELS, PROBLEMS, TEXT, batch


@pytest.fixture(scope="module", params=MODELS.values(), ids=MODELS)
def model(request):
    """Called by parts, each compiled once: `plain` has the model itself."""
    model = awake(request.param(HP, PROBLEMS.values()))
    model.run_part = CompiledParts()
    return model


@contextlib.contextmanager
def plain(model):
    parts, model.run_part = model.run_part, None
    try:
        yield model
    finally:
        model.run_part = parts


every_problem = pytest.mark.parametrize("name", PROBLEMS)


@every_problem
def test_shapes(model, name):
    data = batch(PROBLEMS[name])
    out = model(data, problem=name)
    spec = PROBLEMS[name].targets
    assert out["logits"].shape == (
        *data["targets"].shape,
        getattr(spec, "size", 0) or spec.num_classes,
    )
    assert out["logits"].dtype == "float32" and out["aux_loss"].shape == ()
    assert list(out["experts"]) == model.expert_places


@every_problem
def test_gradients_reach_the_path_and_nothing_else(model, name):
    data = batch(PROBLEMS[name])
    with plain(model), tf.GradientTape() as tape:
        out = model(data, problem=name, training=True)
        loss = tf.reduce_sum(
            tf.math.log_softmax(out["logits"]) * tf.random.normal(out["logits"].shape)
        )
        loss += out["aux_loss"]
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    path = {id(v) for v in model.variables_of(name)}
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        reached = gradient is not None and np.abs(tf.convert_to_tensor(gradient)).max() > 0
        assert reached == (id(variable) in path), variable.path


@pytest.mark.parametrize("name", ["translate", "parse", "caption", "transcribe"])
def test_no_output_depends_on_a_later_target(model, name):
    data = batch(PROBLEMS[name], short=0)
    before = model(data, problem=name)["logits"].numpy()
    for t in range(0, data["targets"].shape[1], 2):
        targets = data["targets"].numpy()
        targets[:, t:] = (targets[:, t:] + 1) % 20
        after = model(data | {"targets": tf.constant(targets)}, problem=name)["logits"].numpy()
        np.testing.assert_allclose(after[:, : t + 1], before[:, : t + 1], atol=1e-5)
    targets = data["targets"].numpy()
    targets[:, -1] = (targets[:, -1] + 1) % 20  # read by nobody
    after = model(data | {"targets": tf.constant(targets)}, problem=name)["logits"].numpy()
    assert np.abs(after - before).max() < 1e-5
    targets = data["targets"].numpy()
    targets[:, 0] = (targets[:, 0] + 1) % 20
    assert (
        np.abs(
            model(data | {"targets": tf.constant(targets)}, problem=name)["logits"].numpy() - before
        ).max()
        > 1e-4
    )


@every_problem
def test_padding_changes_nothing(model, name):
    data = batch(PROBLEMS[name])
    before = model(data, problem=name)
    rng = np.random.default_rng(9)
    padded = {}
    for key, value in data.items():
        value = value.numpy()
        if (key.startswith("targets") and PROBLEMS[name].targets.kind == "categorical") or (
            key == "inputs" and "inputs_mask" not in data
        ):
            padded[key] = value
            continue
        more = rng.integers(0, 10, (2, 32, *value.shape[2:])).astype(value.dtype)
        padded[key] = np.concatenate(
            [value, np.zeros_like(more) if key.endswith("mask") else more], axis=1
        )
    after = model({key: tf.constant(value) for key, value in padded.items()}, problem=name)
    mask = data["targets_mask"].numpy()
    length = mask.shape[1]
    np.testing.assert_allclose(
        after["logits"].numpy()[:, :length][mask], before["logits"].numpy()[mask], atol=1e-4
    )
    np.testing.assert_allclose(after["aux_loss"], before["aux_loss"], atol=1e-5)
    for layer in model.expert_places:
        np.testing.assert_allclose(
            after["experts"][layer]["load"], before["experts"][layer]["load"], atol=1e-4
        )


@every_problem
def test_rows_that_fill_a_batch_change_nothing(model, name):
    data = batch(PROBLEMS[name])
    before = model(data, problem=name)
    count = len(data["targets"])
    filled = {
        key: tf.concat([value, tf.zeros_like(value) if key.endswith("mask") else value], axis=0)
        for key, value in data.items()
    }
    after = model(filled, problem=name)
    mask = data["targets_mask"].numpy()
    np.testing.assert_allclose(
        after["logits"].numpy()[:count][mask], before["logits"].numpy()[mask], atol=1e-4
    )
    np.testing.assert_allclose(after["aux_loss"], before["aux_loss"], atol=1e-5)
    for layer in after["experts"]:
        np.testing.assert_allclose(
            after["experts"][layer]["load"], before["experts"][layer]["load"], atol=1e-4
        )
    assert np.isfinite(after["logits"]).all()


@every_problem
def test_an_example_does_not_depend_on_its_batch(model, name):
    data = batch(PROBLEMS[name], size=3)
    together = model(data, problem=name)["logits"].numpy()
    for i in range(3):
        alone = model({key: value[i : i + 1] for key, value in data.items()}, problem=name)[
            "logits"
        ].numpy()
        mask = data["targets_mask"].numpy()[i]
        np.testing.assert_allclose(alone[0][mask], together[i][mask], atol=1e-4)


def test_equal_specs_share_one_net(model):
    assert set(model.nets) == {p.inputs.net_name() for p in PROBLEMS.values()} | {
        p.targets.net_name() for p in PROBLEMS.values()
    }
    ids = {name: {id(v) for v in model.variables_of(name)} for name in PROBLEMS}
    tables = {id(v) for v in model.nets[TEXT.net_name()].weights}
    assert all(
        tables & ids[name]
        for name in ("translate", "parse", "caption", "transcribe", "classify_text")
    )
    pictures = {id(v) for v in model.nets[Image().net_name()].weights}
    assert pictures <= ids["classify_image"] and pictures <= ids["caption"]
    assert len(model.commands) == 6  # captions and transcripts are both English


def test_parts_count_every_parameter_once(model):
    assert sum(model.parameter_counts().values()) == sum(
        int(np.prod(v.shape)) for v in model.trainable_variables
    )


@every_problem
def test_compiled_parts_equal_the_plain_model(model, name):
    data = batch(PROBLEMS[name])
    with plain(model):
        wanted = model(data, problem=name)["logits"]
    np.testing.assert_allclose(model(data, problem=name)["logits"], wanted, atol=1e-4)
    other = model(batch(PROBLEMS[name], size=3, length=9, target_length=5), problem=name)["logits"]
    assert np.isfinite(other).all()


def test_a_model_can_be_called_after_keras_compiles_it():
    model = MultiModel(HP, [PROBLEMS["translate"]])
    data = batch(PROBLEMS["translate"])
    model.run_part = CompiledParts()
    before = model(data, problem="translate")["logits"]
    model.compile(optimizer="sgd")
    np.testing.assert_array_equal(model(data, problem="translate")["logits"], before)
    assert len(model.parts_of("translate")) == 3
