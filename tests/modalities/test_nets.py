"""Modality nets: shapes, masks, sharing of tables, padding."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.modalities.audio.net import spread
from t2t_mm.modalities.audio.spec import Audio
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.image.spec import Image
from t2t_mm.modalities.language.spec import Language
from t2t_mm.modalities.multi_label.spec import MultiLabel
from t2t_mm.modalities.real.spec import Real
from t2t_mm.modalities.series.spec import Series

HP = HParams().replace(hidden_size=16, num_heads=4)
TEXT = Language(vocab="v", size=50)


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def test_language_round():
    net = TEXT.net(HP)
    net.build_bottom()
    net.build_top()
    ids = np.array([[3, 4, 5], [6, 7, 0]])
    mask = ids > 0
    hidden, out_mask, grid = net.bottom(ids, mask)
    assert hidden.shape == (2, 3, 16) and grid is None
    np.testing.assert_array_equal(out_mask, mask)
    np.testing.assert_array_equal(
        net.embed(ids), hidden
    )  # one table reads inputs and previous outputs
    logits = net.top(hidden)
    assert logits.shape == (2, 3, 50) and logits.dtype == "float32"
    np.testing.assert_allclose(
        logits, hidden.numpy() @ net.softmax_table.numpy().T, rtol=1e-4, atol=1e-5
    )


def test_language_tables_shared_or_apart():
    shared, apart = TEXT.net(HP), TEXT.net(HP.replace(share_embeddings=False))
    for net in (shared, apart):
        net.build_top()
        net.build_bottom()
    assert len(shared.weights) == 1 and len(apart.weights) == 3
    only_reads = TEXT.net(HP.replace(share_embeddings=False))
    only_reads.build_bottom()
    assert len(only_reads.weights) == 1


@pytest.mark.parametrize(("size", "grid"), [(299, 19), (128, 8), (64, 4), (33, 3)])
def test_image_grid(size, grid):
    net = Image().net(HP)
    net.build_bottom()
    hidden, mask, found = net.bottom(random(1, size, size, 3), None)
    assert hidden.shape == (1, grid * grid, 16) and tuple(found) == (grid, grid)
    assert mask.shape == (1, grid * grid) and mask.numpy().all()


def test_image_net_sees_the_sign_of_pixels():
    net = Image(channels=1).net(HP)
    net.build_bottom()
    one, other = (
        -np.abs(random(1, 32, 32, 1, seed=seed)) for seed in (0, 1)
    )  # a ReLU would see nothing in either
    assert np.abs(net.bottom(one, None)[0] - net.bottom(other, None)[0]).max() > 1e-3


@pytest.mark.parametrize("grid", [None, (2, 3)])
def test_categorical_shape_and_gradient(grid):
    net = Categorical(labels="c", num_classes=7).net(HP)
    net.build_top()
    with tf.GradientTape() as tape:
        logits = net.top(random(2, 6, 16), np.ones((2, 6), bool), grid)
        loss = tf.reduce_sum(logits**2)
    assert logits.shape == (2, 1, 7)
    gradients = tape.gradient(loss, [w.value for w in net.trainable_weights])
    assert all(g is not None and np.abs(g).max() > 0 for g in gradients)


@pytest.mark.parametrize("length", [1, 2, 5, 8])
def test_categorical_ignores_padding(length):
    net = Categorical(labels="c", num_classes=7).net(HP)
    net.build_top()
    x = random(1, length, 16)
    padded = np.concatenate([x, 100 * random(1, 5, 16, seed=1)], axis=1)
    mask = np.arange(length + 5)[None] < length
    np.testing.assert_allclose(net.top(padded, mask), net.top(x, mask[:, :length]), atol=1e-4)


@pytest.mark.parametrize(
    "spec", [Audio(bins=40), Audio(form="waveform", time_stride=512)], ids=lambda s: s.form
)
@pytest.mark.parametrize("length", [700, 1025])
def test_audio_positions_and_padding(spec, length):
    net = spec.net(HP)
    net.build_bottom()
    shape = (1, length, 40, 1) if spec.form == "spectrogram" else (1, length, 1)
    x, mask = random(*shape), tf.ones((1, length), tf.bool)
    hidden, positions, grid = net.bottom(x, mask)
    count = -(-length // spec.time_stride)
    assert hidden.shape == (1, count, 16) and grid is None and positions.numpy().sum() == count
    garbage = np.concatenate([x, 100 * random(1, 300, *shape[2:])], axis=1)
    longer = tf.concat([mask, tf.zeros((1, 300), tf.bool)], axis=1)
    padded, positions, _ = net.bottom(garbage, longer)
    assert positions.numpy().sum() == count
    np.testing.assert_allclose(padded[:, :count], hidden, atol=1e-4)
    assert np.abs(padded[:, count:]).sum() == 0


@pytest.mark.parametrize("stride", [1, 4])
def test_series_positions_and_padding(stride):
    spec = Series(channels=3, rate=50, time_stride=stride)
    net = spec.net(HP)
    net.build_bottom()
    x, mask = random(1, 9, 3), np.ones((1, 9), bool)
    hidden, positions, grid = net.bottom(x, mask)
    count = -(-9 // stride)
    assert hidden.shape == (1, count, 16) and grid is None and positions.all()
    assert count == int(spec.positions(x[0]))
    garbage = np.concatenate([x, 100 * random(1, 7, 3)], axis=1)
    padded, positions, _ = net.bottom(garbage, np.arange(16)[None] < 9)
    assert positions.sum() == count
    np.testing.assert_allclose(padded[:, :count], hidden, atol=1e-4)
    assert np.abs(padded[:, count:]).sum() == 0


def test_series_net_sees_how_large_a_value_is():
    net = Series(channels=1, rate=1).net(HP)
    net.build_bottom()
    small, large = (net.bottom(size * np.ones([1, 9, 1]), None)[0].numpy() for size in (0.5, 2))
    one, other = (each / np.linalg.norm(each) for each in (small, large))
    assert np.abs(one - other).max() > 0.02  # another direction, which LayerNorm leaves


@pytest.mark.parametrize("stride", [1, 2, 8, 256, 512])
def test_spread_multiplies_to_the_stride(stride):
    assert np.prod(spread(stride)) == stride and len(spread(stride)) == 8


SPECS = [
    TEXT,
    Image(channels=1),
    Categorical(labels="c", num_classes=7, names=tuple("abcdefg")),
    MultiLabel(labels="m", num_classes=2, names=("a", "b"), weights=(0.5, 2.0)),
    Real(quantity="r", size=2, objective="gaussian", mean=(0.0, 1.0), deviation=(1.0, 2.5)),
    Audio(bins=40),
    Audio(form="waveform", time_stride=512),
    Series(channels=3, rate=50, time_stride=4),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.net_name())
def test_a_configuration_makes_an_equal_net(spec):
    net = spec.net(HP.replace(share_embeddings=False))
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(net)))
    again = keras.saving.deserialize_keras_object(config)
    for each in (net, again):
        each.build_bottom() if spec.as_input else None
        each.build_top() if spec.as_target else None
    assert type(again) is type(net) and again.get_config() == net.get_config()
    assert [v.shape for v in again.weights] == [v.shape for v in net.weights] != []


def test_a_called_net_is_its_bottom():
    net, ids = TEXT.net(HP), np.array([[3, 4, 5]])
    hidden, mask, grid = net(ids, mask=np.ones((1, 3), bool))
    np.testing.assert_array_equal(hidden, net.bottom(ids, None)[0])
    assert mask.shape == (1, 3) and grid is None and net.built


def test_a_net_that_cannot_write_says_so():
    with pytest.raises(TypeError, match="does not write"):
        Image().net(HP).build_top()
