"""The whole model: paths, sharing, causality, padding, for every pair of modalities."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.execution.compiled import CompiledParts
from t2t_mm.modalities.audio.spec import Audio
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.image.spec import Image
from t2t_mm.modalities.language.spec import Language
from t2t_mm.models.multimodel import MultiModel
from tests.layers.conformance import awake

HP = HParams().replace(
    hidden_size=16,
    num_heads=4,
    encoder_blocks=2,
    mixer_blocks=1,
    decoder_blocks=2,
    moe_experts=4,
    moe_k=2,
    moe_hidden=8,
    dropout=0.0,
    moe_capacity=4.0,
)
TEXT, TAGS = Language(vocab="text", size=40), Language(vocab="tags", size=20, units="symbols")

WORDS = Categorical(labels="word", num_classes=4)


def problem(name, inputs, targets, command):
    return SimpleNamespace(name=name, inputs=inputs, targets=targets, command=command)


PROBLEMS = {
    p.name: p
    for p in [
        problem("translate", TEXT, TEXT, "to-german"),
        problem("parse", TEXT, TAGS, "to-parse-tree"),
        problem("classify_text", TEXT, Categorical(labels="tone", num_classes=3), "to-tone"),
        problem(
            "classify_image",
            Image(size=48),
            Categorical(labels="thing", num_classes=5),
            "to-image-label",
        ),
        problem("caption", Image(size=64), TEXT, "to-english"),
        problem("transcribe", Audio(bins=20), TEXT, "to-english"),
        problem("classify_sound", Audio(form="waveform", time_stride=16), WORDS, "to-word"),
    ]
}


def batch(problem, seed=0, size=2, length=11, target_length=7, short=3):
    """A random batch; the second example is shorter by `short` target positions and as many input
    positions."""
    rng = np.random.default_rng(seed)
    lengths = np.array([length] + [length - short] * (size - 1))
    result = {}
    if problem.inputs.kind == "language":
        result["inputs"] = rng.integers(3, problem.inputs.size, (size, length)).astype("int32")
    elif problem.inputs.kind == "image":
        side = problem.inputs.size
        result["inputs"] = rng.uniform(-1, 1, (size, side, side, 3)).astype("float32")
    else:
        lengths, length = lengths * 16, length * 16
        shape = (
            (size, length, problem.inputs.bins, 1)
            if problem.inputs.form == "spectrogram"
            else (size, length, 1)
        )
        result["inputs"] = rng.normal(size=shape).astype("float32")
    if problem.inputs.kind != "image":
        result["inputs_mask"] = np.arange(length)[None] < lengths[:, None]
    if problem.targets.kind == "categorical":
        result["targets"] = rng.integers(0, problem.targets.num_classes, (size, 1)).astype("int32")
        result["targets_mask"] = np.ones((size, 1), bool)
    else:
        result["targets"] = rng.integers(3, problem.targets.size, (size, target_length)).astype(
            "int32"
        )
        target_lengths = np.array([target_length] + [target_length - short] * (size - 1))
        result["targets_mask"] = np.arange(target_length)[None] < target_lengths[:, None]
    return {key: tf.constant(value) for key, value in result.items()}


@pytest.fixture(scope="module")
def model():
    return awake(MultiModel(HP, PROBLEMS.values()))


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
    assert set(out["experts"]) == {"encoder", "decoder"}


@every_problem
def test_gradients_reach_the_path_and_nothing_else(model, name):
    data = batch(PROBLEMS[name])
    with tf.GradientTape() as tape:
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
    for t in range(data["targets"].shape[1]):
        targets = data["targets"].numpy()
        targets[:, t:] = (targets[:, t:] + 1) % 20
        after = model(data | {"targets": tf.constant(targets)}, problem=name)["logits"].numpy()
        np.testing.assert_allclose(after[:, : t + 1], before[:, : t + 1], atol=1e-5)
    assert np.abs(after - before).max() < 1e-5  # the last target is read by nobody
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
    for layer in ("encoder", "decoder"):
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
    plain = model(data, problem=name)["logits"]
    model.run_part = CompiledParts()
    try:
        compiled = model(data, problem=name)["logits"]
        other = model(batch(PROBLEMS[name], size=3, length=9, target_length=5), problem=name)[
            "logits"
        ]
    finally:
        model.run_part = None
    np.testing.assert_allclose(compiled, plain, atol=1e-4)
    assert np.isfinite(other).all()


def test_a_model_can_be_called_after_keras_compiles_it():
    model = MultiModel(HP, [PROBLEMS["translate"]])
    data = batch(PROBLEMS["translate"])
    model.run_part = CompiledParts()
    before = model(data, problem="translate")["logits"]
    model.compile(optimizer="sgd")
    np.testing.assert_array_equal(model(data, problem="translate")["logits"], before)
    assert len(model.parts_of("translate")) == 3


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
    before = model(data, problem="translate")["logits"]
    after = model(data | {"inputs": (data["inputs"] + 1) % 40}, problem="translate")["logits"]
    assert np.abs(after - before).max() > 1e-4


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
