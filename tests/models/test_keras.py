"""Models as Keras has them: summaries, files, clones, and one problem as a plain model."""

import functools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.execution.compiled import CompiledParts
from tests.layers.conformance import awake
from tests.models.cases import HP, MODELS, PROBLEMS, batch

NAMES = ("translate", "classify_image", "transcribe")
every_model = pytest.mark.parametrize("kind", MODELS.values(), ids=MODELS)


def made(kind, names=NAMES):
    return awake(kind(HP, [PROBLEMS[name] for name in names]))


@pytest.fixture(scope="module")
def kept():
    """Gives the model of a kind, made once; not to be changed."""
    return functools.cache(made)


def logits(model, name):
    return model(batch(PROBLEMS[name]), problem=name)["logits"].numpy()


@every_model
def test_a_file_gives_an_equal_model(kind, kept, tmp_path):
    model = kept(kind)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again) is kind and again.hparams == model.hparams
    assert list(again.problems) == list(NAMES) and again.get_config() == model.get_config()
    for name in NAMES:
        np.testing.assert_array_equal(logits(again, name), logits(model, name))


@every_model
def test_a_clone_has_weights_of_its_own(kind, kept):
    model = kept(kind)
    clone = keras.models.clone_model(model)
    assert [v.shape for v in clone.variables] == [v.shape for v in model.variables]
    assert np.abs(logits(clone, "translate") - logits(model, "translate")).max() > 1e-3
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(logits(clone, "translate"), logits(model, "translate"))


def test_a_configuration_is_json_and_keeps_the_precision():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = made(MODELS["multimodel"])
    finally:
        keras.config.set_dtype_policy(policy)
    again = type(model).from_config(json.loads(json.dumps(model.get_config())))
    assert again.encoder.compute_dtype == "bfloat16"
    assert keras.config.dtype_policy() == policy


@every_model
def test_a_summary_shows_all_layers_built(kind, kept):
    model, lines = kept(kind), []
    model.summary(print_fn=lambda text: lines.append(text), expand_nested=True)
    text = "\n".join(lines)
    assert "unbuilt" not in text
    total = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert f"Trainable params: {total:,}" in text
    for net in model.nets.values():
        assert net.name in text


@every_model
@pytest.mark.parametrize("name", NAMES)
def test_one_problem_is_a_plain_model(kind, kept, name):
    model, data = kept(kind), batch(PROBLEMS[name])
    data["inputs_mask"] = tf.ones_like(data.get("inputs_mask", data["targets_mask"]))
    data["targets_mask"] = tf.ones_like(data["targets_mask"])
    single = model.for_problem(name)
    wanted = model(data, problem=name)["logits"]
    np.testing.assert_array_equal(single(data), wanted)
    without = {key: data[key] for key in ("inputs", "targets")}
    np.testing.assert_array_equal(single(without), wanted)  # nothing is padding
    assert {id(v) for v in single.trainable_variables} == {id(v) for v in model.variables_of(name)}


def test_an_unknown_problem_is_named():
    with pytest.raises(ValueError, match="translate.*'translation'"):
        made(MODELS["transformer"], ["translate"]).for_problem("translation")


@every_model
def test_fit_trains_one_problem_and_leaves_the_others_alone(kind):
    keras.utils.set_random_seed(0)
    model = made(kind, ["translate", "classify_image"])
    model.run_part = CompiledParts()
    rows = batch(PROBLEMS["translate"], size=4)
    mask = rows["targets_mask"]
    data = tf.data.Dataset.from_tensors((rows, rows["targets"], mask)).repeat(8)
    before = [v.numpy() for v in model.trainable_variables]
    single = model.for_problem("translate")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    single.compile(keras.optimizers.SGD(0.3), loss, weighted_metrics=["accuracy"])
    history = single.fit(data, epochs=2, verbose=0).history
    assert history["loss"][1] < 0.9 * history["loss"][0]
    path = {id(v) for v in model.variables_of("translate")}
    for variable, value in zip(model.trainable_variables, before, strict=True):
        assert (variable.numpy() != value).any() == (id(variable) in path), variable.path


@pytest.mark.parametrize(
    "kind, name", [("multimodel", "translate"), ("transformer", "classify_image")]
)
def test_an_export_gives_the_same_logits(kind, kept, name, tmp_path):
    model = kept(MODELS[kind])
    data = batch(PROBLEMS[name], short=0)
    keys = ["inputs", "targets"] if PROBLEMS[name].targets.is_sequence else ["inputs"]
    given = {key: data[key] for key in keys}
    shapes = {
        key: (None, *([None] if value.dtype == tf.int32 else value.shape[1:]))
        for key, value in given.items()
    }
    signature = {
        key: keras.InputSpec(shape=shapes[key], dtype=value.dtype.name, name=key)
        for key, value in given.items()
    }
    single = model.for_problem(name)
    single.export(tmp_path / "one", input_signature=[signature], verbose=False)
    loaded = tf.saved_model.load(tmp_path / "one")
    np.testing.assert_allclose(loaded.serve(given), single(given), atol=1e-5)


def test_a_file_of_one_problem(kept, tmp_path):
    single = kept(MODELS["transformer"]).for_problem("classify_image")
    single.save(tmp_path / "one.keras")
    again = keras.saving.load_model(tmp_path / "one.keras")
    data = batch(PROBLEMS["classify_image"])
    np.testing.assert_array_equal(again(data), single(data))
