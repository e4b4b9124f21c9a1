"""Sets of labels: the loss against NumPy, values in and out, answers in Python and in graph."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from t2t_mm.errors import UserError
from t2t_mm.modalities.multi_label import text
from t2t_mm.modalities.multi_label.loss import sigmoid_cross_entropy
from t2t_mm.modalities.multi_label.spec import MultiLabel

NAMES = ("blue", "red", "ring")
SPEC = MultiLabel(labels="seen", num_classes=3, names=NAMES)
LOGITS = np.array([[2.0, -1.0, 0.5], [-3.0, 0.1, -0.2]], np.float32)
TARGETS = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]], np.float32)


def by_hand(weights=1.0, smoothing=0.0):
    p = 1 / (1 + np.exp(-LOGITS.astype(np.float64)))
    wanted = TARGETS * (1 - smoothing) + smoothing / 2
    return -(weights * wanted * np.log(p) + (1 - wanted) * np.log(1 - p))


def of(spec, rows=2, smoothing=0.0):
    mask = np.arange(2)[:, None] < rows
    return [float(x) for x in spec.loss(LOGITS[:, None], TARGETS[:, None], mask, smoothing)]


def test_the_loss_is_the_mean_cross_entropy_of_a_label():
    assert of(SPEC) == pytest.approx([by_hand().mean(), by_hand().mean(), 2], rel=1e-5)
    assert of(SPEC, rows=1) == pytest.approx([by_hand()[0].mean(), by_hand()[0].mean(), 1])


def test_weights_and_smoothing_change_the_objective_alone():
    weights = (3.0, 1.0, 0.5)
    spec = MultiLabel(labels="seen", num_classes=3, weights=weights)
    objective, nats, _ = of(spec, smoothing=0.1)
    assert objective == pytest.approx(by_hand(np.array(weights), 0.1).mean(), rel=1e-5)
    assert nats == pytest.approx(by_hand().mean(), rel=1e-5)


def test_padding_gets_no_gradient_whatever_it_holds():
    logits = tf.Variable(np.concatenate([LOGITS, [[np.inf, -np.inf, np.nan]]])[:, None], tf.float32)
    targets, mask = np.zeros([3, 1, 3], np.float32), np.array([[True], [True], [False]])
    with tf.GradientTape() as tape:
        loss, _, count = sigmoid_cross_entropy(logits, targets, mask)
    assert np.isfinite(loss) and count == 2
    assert np.isfinite(tape.gradient(loss, logits)[:2]).all()


def test_a_set_comes_back_in_the_order_of_the_classes():
    for value, told in (([2, 0], "blue; ring"), ([1, 1], "red"), ([], "")):
        encoded = SPEC.encode(np.array(value, np.int64)).numpy()
        assert encoded.shape == (1, 3) and encoded.dtype == np.float32
        assert SPEC.decode(encoded) == told and SPEC.texts(np.array(value)) == [told]
    assert SPEC.describe(np.array([2, 0])) == ["blue; ring (2 labels)"]
    assert SPEC.describe(np.array([], int)) == ["none (0 labels)"]


def test_labels_are_known_from_the_data():
    feature = MultiLabel(labels="seen").tfds_feature(lambda: [["red", "blue"], [], {"ring"}])
    assert feature.feature.names == list(NAMES)
    assert MultiLabel(labels="seen").resolve("", feature.feature) == SPEC
    assert SPEC.store(["ring", "blue", "ring"], feature) == [0, 2]
    assert SPEC.store("ring; blue", feature) == SPEC.store(b" blue;ring;", feature) == [0, 2]
    assert SPEC.store("", feature) == []
    for value, reason in ((["pink"], "class 'pink', where expected"), (3, "a list of labels")):
        with pytest.raises(ValueError, match=reason):
            SPEC.store(value, feature)
    with pytest.raises(UserError, match="no example has a label"):
        MultiLabel(labels="seen").tfds_feature(lambda: [[], []])


@pytest.mark.parametrize("name", ["a; b", "a\tb"])
def test_a_name_that_could_not_be_read_back_is_refused(name):
    with pytest.raises(UserError, match="semicolon or a tab"):
        MultiLabel(labels="seen").tfds_feature(lambda: [[name]])
    with pytest.raises(UserError, match="semicolon or a tab"):
        MultiLabel(labels="seen").resolve("", tfds.features.ClassLabel(names=["x", name]))


def test_balanced_weights_are_absent_over_present_training_examples():
    spec = MultiLabel(labels="seen", num_classes=4, balanced=True)
    values = [[0, 1], [0], [0], [0, 2, 2]]
    assert spec.learn(lambda: map(np.array, values)).weights == (0.25, 3.0, 3.0, 4.0)
    assert SPEC.learn(lambda: values) is SPEC


def test_answers_are_equal_in_python_in_graph_and_in_a_line():
    found = SPEC.answers_in_graph(tf.constant(LOGITS), tf.constant([True, True]))
    answers = SPEC.answers(tf.constant(LOGITS), top=1)
    assert found["labels"].numpy().tolist() == [b"blue; ring", b"red"]
    for row, answer in enumerate(answers):
        one = {name: value[row] for name, value in found.items()}
        assert SPEC.answer_from(one, 1) == answer
        line = SPEC.as_line(answer)
        assert text.labels_in(line) == set(answer["labels"])
        assert text.probabilities_in(line) == pytest.approx(answer["probabilities"], abs=1e-6)
    assert answers[0]["labels"] == ["blue", "ring"]
    assert list(answers[1]["probabilities"]) == ["red", "ring", "blue"]


def test_what_can_not_be_answered_is_told():
    broken = tf.constant([[np.nan, 0, 0], [1.0, 0, 0]])
    found = SPEC.answers_in_graph(broken, tf.constant([True, False]))
    assert found["labels"].numpy().tolist() == [b"", b""]
    assert not found["answered"].numpy().any() and not found["probabilities"].numpy().any()
    assert "error" in SPEC.answer_from({name: value[0] for name, value in found.items()}, 1)


def test_a_record_comes_back_and_a_damaged_one_is_refused():
    spec = MultiLabel(labels="seen", num_classes=2, names=("a", "b"), weights=(0.5, 2.0))
    assert MultiLabel.from_record(spec.record(), "") == spec
    for change in ({"weights": [1.0]}, {"weights": [1.0, -1.0]}, {"weights": ["a", "b"]}):
        with pytest.raises(UserError):
            MultiLabel.from_record(spec.record() | change, "")
