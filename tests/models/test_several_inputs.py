"""Problems with several inputs: how they are joined, and what learns from them."""

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.image.spec import Image
from t2t_mm.modalities.several.spec import Several
from t2t_mm.models.fields import joined
from tests.layers.conformance import awake
from tests.models.cases import HP, MODELS, PROBLEMS, TEXT, batch, problem
from tests.models.test_incremental import incremental, teacher_forced

PICTURE = Image(size=64)
INPUTS = Several((("question", TEXT), ("picture", PICTURE)), optional=("picture",))
ANSWER = problem("answer", INPUTS, TEXT, "to-english")
COLOUR = problem("colour", INPUTS, Categorical(labels="colour", num_classes=5), "to-colour")


def asked(of, padding=0, **targets):
    """A batch of two; the second question is shorter, and its picture is absent."""
    read = batch(PROBLEMS["translate"]), batch(PROBLEMS["caption"])
    data = {key: value for key, value in batch(COLOUR_TARGETS[of]).items() if "targets" in key}
    ids, mask = (tf.pad(read[0][key], [[0, 0], [0, padding]]) for key in ("inputs", "inputs_mask"))
    return data | {
        "inputs/question": ids,
        "inputs/question_mask": mask,
        "inputs/picture": read[1]["inputs"],
        "inputs/picture_mask": tf.constant([[True], [False]]),
    }


COLOUR_TARGETS = {
    "answer": PROBLEMS["translate"],
    "colour": problem("colour", TEXT, COLOUR.targets, "to-colour"),
}


@pytest.fixture(scope="module", params=MODELS.values(), ids=MODELS)
def model(request):
    problems = [ANSWER, COLOUR, PROBLEMS["translate"], PROBLEMS["caption"]]
    return awake(request.param(HP, problems))


def test_real_positions_come_first_in_their_order():
    parts = [np.arange(8.0).reshape(2, 4, 1), 10 + np.arange(4.0).reshape(2, 2, 1)]
    masks = [np.array([[1, 1, 0, 0], [1, 0, 0, 0]], bool), np.array([[1, 1], [0, 1]], bool)]
    x, mask = joined(parts, masks)
    assert mask.numpy().sum(axis=1).tolist() == [4, 2] and (np.diff(mask.numpy() * 1) <= 0).all()
    assert x.numpy()[0, :4, 0].tolist() == [0, 1, 10, 11]
    assert x.numpy()[1, :2, 0].tolist() == [4, 13]


@pytest.mark.parametrize("name", ["answer", "colour"])
def test_padding_changes_nothing(model, name):
    before = model(asked(name), problem=name)["logits"]
    after = model(asked(name, padding=5), problem=name)["logits"]
    np.testing.assert_allclose(after, before, atol=1e-4)


def test_an_absent_picture_is_not_seen_and_one_that_is_there_is(model):
    data = asked("answer")
    other = data | {"inputs/picture": -data["inputs/picture"]}
    before, after = (model(each, problem="answer")["logits"].numpy() for each in (data, other))
    np.testing.assert_allclose(after[1], before[1], atol=1e-5)
    assert np.abs(after[0] - before[0]).max() > 1e-4


def test_decoding_equals_teacher_forcing(model):
    data = asked("answer")
    wanted = teacher_forced(model, data, "answer")
    np.testing.assert_allclose(incremental(model, data, "answer"), wanted, atol=1e-4)


def test_all_nets_are_shared_and_learn(model):
    assert set(model.nets) == {spec.net_name() for spec in (TEXT, PICTURE, COLOUR.targets)}
    with tf.GradientTape() as tape:
        logits = model(asked("answer"), problem="answer", training=True)["logits"]
        loss = tf.reduce_sum(tf.math.log_softmax(logits)[..., 3])
    path = model.variables_of("answer")
    markers = [marker.marker for marker in model.markers.values()]
    assert len(markers) == 2 and len({id(v) for v in path}) == len(path)
    gradients = tape.gradient(loss, [v.value for v in path])
    for variable, gradient in zip(path, gradients, strict=True):
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, variable.path
    for marker in markers:
        assert any(marker is each for each in path)
        assert all(marker is not each for each in model.variables_of("caption"))


def test_as_keras_has_models(model):
    again = type(model).from_config(model.get_config())
    assert {name: net.name for name, net in again.markers.items()} == {
        "question": "question",
        "picture": "picture",
    }
    single = model.for_problem("answer")
    data = asked("answer")
    bare = {key: value for key, value in data.items() if key == "targets" or key.endswith("ure")}
    bare["inputs/question"] = data["inputs/question"]
    assert single(bare).shape == (2, 7, TEXT.size)
