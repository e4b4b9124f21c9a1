"""Real numbers: normalisation, losses against NumPy, values in and out, answers."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.errors import UserError
from t2t_mm.modalities.real.spec import Real

PLAIN = Real(quantity="place", size=2, mean=(10.0, -1.0), deviation=(2.0, 0.5))
SURE = Real(quantity="place", size=2, objective="gaussian", mean=(10.0, -1.0), deviation=(2.0, 0.5))
OUTPUTS = np.array([[[0.5, -1.0]], [[2.0, 0.0]]], np.float32)  # [batch, 1, size]
TARGETS = np.array([[[0.0, 1.0]], [[-1.0, 0.5]]], np.float32)
MASK = np.array([[True], [True]])


def loss(spec, outputs, mask=MASK):
    return [float(x) for x in spec.loss(outputs, TARGETS, mask, 0.1)]


def test_losses_are_those_of_numpy():
    difference = OUTPUTS - TARGETS
    squared, absolute = 0.5 * (difference**2).mean(), np.abs(difference).mean()
    assert loss(PLAIN, OUTPUTS) == pytest.approx([squared, squared, 2])
    l1 = Real(quantity="place", size=2, objective="l1")
    assert loss(l1, OUTPUTS) == pytest.approx([absolute, absolute, 2])
    variance = np.array([0.5, 4.0], np.float32)
    outputs = np.concatenate([OUTPUTS, np.broadcast_to(np.log(variance), [2, 1, 2])], axis=-1)
    nats = 0.5 * (np.log(variance) + difference**2 / variance).mean()
    assert loss(SURE, outputs) == pytest.approx([nats, nats, 2])
    first = 0.5 * (difference[0] ** 2).mean()
    assert loss(PLAIN, OUTPUTS, np.array([[True], [False]])) == pytest.approx([first, first, 1])


def test_mean_and_deviation_are_learnt_from_training_values():
    values = np.array([[1.0, 5.0], [2.0, 5.0], [6.0, 5.0]])
    found = Real(quantity="place", size=2).learn(lambda: iter(values))
    assert found.mean == (3.0, 5.0)
    assert found.deviation == pytest.approx((np.std([1, 2, 6]), 1.0), rel=1e-5)  # never 0
    assert Real(quantity="a").learn(lambda: iter(())) == Real(quantity="a")
    with pytest.raises(UserError, match="1 of 2 training examples of 'a' are not finite"):
        Real(quantity="a").learn(lambda: iter([1.0, np.nan]))


def test_what_is_encoded_is_normalised_and_comes_back():
    value = np.array([13.0, -2.0])
    encoded = PLAIN.encode(value).numpy()
    np.testing.assert_allclose(encoded, [[1.5, -2.0]])
    assert PLAIN.decode(encoded) == "13.0000 -2.00000" == PLAIN.texts(value)[0]
    for each in PLAIN.measured(encoded[None], encoded[None]):
        assert each.dtype == tf.float64
        np.testing.assert_allclose(each, value[None, None])
    with pytest.raises(UserError, match="no mean and deviation yet"):
        Real(quantity="place", size=2).encode(value)


def test_a_value_of_many_digits_keeps_them():
    spec = Real(quantity="time").learn(lambda: iter([1.7e9, 1.7e9 + 100]))
    assert spec.encode(np.array([1.7e9 + 100])).numpy() > spec.encode(np.array([1.7e9])).numpy() + 1


def test_numbers_are_written_with_the_digits_that_count():
    for deviation, told in ((3e5, "1234568"), (20.0, "1234567.891"), (0.05, "1234567.891200")):
        spec = Real(quantity="price", mean=(1e6,), deviation=(deviation,))
        assert spec.texts(1234567.8912) == [told]


@pytest.mark.parametrize(
    "value, reason",
    [
        ([1.0], "where expected: 2 numbers"),
        ([1.0, 2.0, 3.0], "where expected: 2 numbers"),
        ([1.0, float("nan")], "is not finite"),
        (["1", "2"], "where expected: 2 numbers"),
        ([True, False], "where expected: 2 numbers"),
        (None, "where expected: 2 numbers"),
    ],
)
def test_what_is_no_value_is_one_clear_line(value, reason):
    with pytest.raises(ValueError, match=reason):
        PLAIN.store(value, None)


def test_one_number_may_stand_alone():
    one = Real(quantity="age")
    assert one.store(3, None).tolist() == one.store([3.0], None).tolist() == [3.0]
    assert one.store(" 3.0", None).tolist() == one.store(b"3", None).tolist() == [3.0]


@pytest.mark.parametrize("spec", [PLAIN, SURE], ids=["l2", "gaussian"])
def test_answers_are_equal_in_python_in_graph_and_in_a_line(spec):
    rows = tf.constant(np.array([[0.5, -1.0, 0.0, 2.0], [2.0, 0.0, 1.0, -1.0]], np.float32))
    logits = rows[:, : spec.numbers]
    found = spec.answers_in_graph(logits, tf.constant([True, True]))
    for row, answer in enumerate(spec.answers(logits, 1)):
        one = {name: value.numpy()[row] for name, value in found.items()}
        assert spec.answer_from(one, 1) == answer
        assert answer["values"] == pytest.approx(
            [10 + 2 * rows[row, 0].numpy(), -1 + 0.5 * rows[row, 1].numpy()]
        )
        assert spec.scored(spec.as_line(answer)) == answer["outputs"]
    first = spec.answers(logits, 1)[0]
    assert first["outputs"] == "11.0000 -1.50000"
    if spec.has_spread:
        assert first["deviations"] == pytest.approx([2.0, 0.5 * np.e])
    broken = spec.answers_in_graph(logits * np.nan, tf.constant([True, True]))
    assert not broken["answered"].numpy().any() and not broken["values"].numpy().any()
    assert "error" in spec.answer_from({k: v.numpy()[0] for k, v in broken.items()}, 1)


@pytest.mark.parametrize(
    "fields", [{}, {"quantity": "a", "size": 0}, {"quantity": "a", "objective": "l3"}]
)
def test_a_declaration_that_makes_no_sense_is_refused(fields):
    with pytest.raises(UserError):
        Real(**fields)


def test_a_record_comes_back_and_a_damaged_one_is_refused():
    assert Real.from_record(SURE.record(), "") == SURE
    for change in ({"mean": [1.0]}, {"deviation": [0.0, 1.0]}, {"mean": ["a", 1.0]}, {"mean": []}):
        with pytest.raises(UserError):
            Real.from_record(SURE.record() | change, "")
