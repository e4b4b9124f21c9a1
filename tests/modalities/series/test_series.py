"""Series of real numbers: normalisation, values in by every way, what is refused, pictures."""

import io
import json

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from t2t_mm.errors import UserError
from t2t_mm.modalities.series.moments import moments
from t2t_mm.modalities.series.spec import Series

PLAIN = Series(channels=2, rate=50)
LEARNT = Series(channels=2, rate=50, time_stride=4, mean=(10.0, -1.0), deviation=(2.0, 0.5))
ROWS = [[10.0, -1.0], [12.0, -1.5], [8.0, 0.0]]


def saved(values):
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def test_each_channel_is_normalised_by_all_steps_of_the_training_data():
    random = np.random.default_rng(0)
    values = [random.normal([1e3, -5.0], [2.0, 0.1], [length, 2]) for length in (1, 7, 30)]
    found, every = moments(values, 2), np.concatenate(values)
    np.testing.assert_allclose(found.mean, every.mean(axis=0))
    np.testing.assert_allclose(found.deviation, every.std(axis=0))
    learnt = PLAIN.learn(lambda: iter(values))
    assert learnt.mean == tuple(float(f"{each:.6g}") for each in every.mean(axis=0))
    encoded = np.concatenate([learnt.encode(value) for value in values])
    np.testing.assert_allclose(encoded.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(encoded.std(axis=0), 1, atol=1e-3)
    assert encoded.dtype == np.float32


def test_a_channel_that_never_changes_is_normalised_to_nothing():
    flat = np.full([3, 2], [0.1, 1e9], np.float32)
    learnt = PLAIN.learn(lambda: iter([flat]))
    assert learnt.deviation == (1.0, 1.0) and np.abs(learnt.encode(flat)).max() < 1e-3


def test_what_cannot_be_learnt_from_is_one_clear_line():
    assert PLAIN.learn(lambda: iter(())) == PLAIN
    with pytest.raises(UserError, match="'series_2_50hz_by1' has no mean and deviation yet"):
        PLAIN.encode(ROWS)
    broken = [np.array(ROWS), np.array([[1.0, np.nan]])]
    with pytest.raises(UserError, match="1 of 2 training examples of 'heart' are not finite"):
        Series(channels=2, rate=1, quantity="heart").learn(lambda: iter(broken))


def test_a_value_is_the_same_by_every_way_in(tmp_path):
    content, path = saved(np.array(ROWS)), tmp_path / "a.npy"
    path.write_bytes(content)
    ways = (ROWS, np.array(ROWS), json.dumps(ROWS), content, path, str(path), io.BytesIO(content))
    for value in ways:
        found = LEARNT.read(value)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, ROWS)
        sent = LEARNT.read_in_graph(LEARNT.sent(found))
        np.testing.assert_array_equal(LEARNT.encode(sent), [[0, 0], [1, -1], [-1, 2]])
    np.testing.assert_array_equal(LEARNT.store(json.dumps(ROWS), None), ROWS)
    assert LEARNT.file_of(json.dumps(ROWS)) is None and LEARNT.file_of("a.npy") is not None
    one = Series(channels=1, rate=1)
    for value in ([1, 2], "[1, 2]", [[1], [2]]):
        np.testing.assert_array_equal(one.read(value), [[1], [2]])


@pytest.mark.parametrize(
    "value, reason",
    [
        (np.zeros([3, 3]), r"numbers \[length, 2\] are expected, not float64 \[3, 3\]$"),
        (np.zeros([2, 9]), r"not float64 \[2, 9\]: transpose it"),
        ([1.0, 2.0], r"\[length, 2\] are expected, not float64 \[2\]"),
        ([[1.0, 2.0], [3.0]], "not rows of unequal length"),
        ([[1.0, "a"]], "not <U"),
        ([[True, False]], "not bool"),
        ([[1.0, None]], "not object"),
        ([], "not an empty series"),
        (np.zeros([0, 2]), "not an empty series"),
        ([[1.0, np.nan], [np.inf, 0.0]], "2 of 4 numbers are NaN, infinite"),
        ([[1.0, 1e300]], "1 of 2 numbers are NaN, infinite or too large"),
        ("[[1, 2], [3, NaN]]", "1 of 4 numbers are NaN"),
        ("[[1, 2], [3", "no rows of numbers as JSON"),
        ("[" * 100_000, "nested too deep"),
        ("[" + "1," * 2**20, "longer than 1,048,576 characters"),
        ("", "No such file"),
        ("/dev/zero", "not a regular file"),
        (b"text", "no NumPy file"),
        (saved(np.array([{}], object)), "no NumPy file: .*allow_pickle=False"),
    ],
)
def test_what_is_no_series_is_one_clear_line(value, reason):
    with pytest.raises((ValueError, OSError), match=reason):
        PLAIN.read(value)


@pytest.mark.parametrize("rows", [[[1.0, np.nan]], [[1.0, 2.0, 3.0]], [1.0, 2.0]])
def test_what_is_no_series_fails_in_graph(rows):
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
        LEARNT.read_in_graph(tf.io.serialize_tensor(tf.constant(rows)))


def test_data_of_other_channels_is_refused_and_of_one_channel_needs_no_axis():
    tensor = lambda *shape: tfds.features.Tensor(shape=shape, dtype=np.float32)  # noqa: E731
    assert PLAIN.resolve("", tensor(128, 2)) == PLAIN.resolve("", tensor(None, None)) == PLAIN
    with pytest.raises(UserError, match=r"with 2 channels, but the data has 9. Declare Series\(ch"):
        PLAIN.resolve("", tensor(128, 9))
    one, flat = Series(channels=1, rate=1), tensor(None)
    assert one.reads(flat) and one.resolve("", flat) == one and not PLAIN.reads(flat)
    np.testing.assert_array_equal(one.from_stored(flat)(np.array([1, 2])), [[1], [2]])


@pytest.mark.parametrize(
    "fields, reason",
    [
        ({}, "channels=0"),
        ({"channels": 3}, "rate=0"),
        ({"channels": 3, "rate": float("nan")}, "rate=nan"),
        ({"channels": 3, "rate": 1, "time_stride": 0}, "time_stride is 1 or more"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(fields, reason):
    with pytest.raises(UserError, match=reason):
        Series(**fields)


def test_what_differs_has_another_net():
    assert Series(channels=2, rate=50.0) == PLAIN and PLAIN.net_name() == "series_2_50hz_by1"
    others = [
        Series(channels=3, rate=50),
        Series(channels=2, rate=12.5),
        Series(channels=2, rate=50, time_stride=2),
        Series(channels=2, rate=50, quantity="heart"),
    ]
    assert len({spec.net_name() for spec in (PLAIN, *others)}) == 5


def test_a_record_comes_back_and_a_damaged_one_is_refused():
    assert Series.from_record(LEARNT.record(), "") == LEARNT
    for change in ({"mean": [1.0]}, {"deviation": [0.0, 1.0]}, {"mean": []}, {"channels": 3}):
        with pytest.raises(UserError):
            Series.from_record(LEARNT.record() | change, "")


def test_it_is_shown_in_seconds():
    values = np.random.default_rng(0).normal(size=[9, 2]).astype(np.float32)
    assert LEARNT.describe(values) == ["0.18 s: 9 steps of 2 channels"]
    assert LEARNT.position_labels(values) == ["0 s", "0.08 s", "0.16 s"]


def test_curves_rise_where_values_do_and_many_channels_are_a_heat_map():
    rising = np.linspace(-1, 1, 9)[:, None] * [1.0, -1.0]  # [length, channels]
    dark = np.argwhere(np.array(LEARNT.picture(rising)) < 128)  # (row, column)
    first, second = dark[dark[:, 0] < 40], dark[dark[:, 0] >= 40]
    assert np.corrcoef(first.T)[0, 1] < -0.9 and np.corrcoef(second.T)[0, 1] > 0.9
    heat = np.array(LEARNT.picture(np.tile([[-3.0], [3.0]], 20)))
    assert heat[:, 0].max() < 64 and heat[:, -1].min() > 192
