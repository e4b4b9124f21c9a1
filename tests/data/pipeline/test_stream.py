"""The batches of training: taken up at any of them, they go on as they would have; a position is
small."""

import json

import numpy as np
import pytest

from t2t_mm import registry
from t2t_mm.data import prepare
from t2t_mm.data.pipeline.stream import Inputs
from t2t_mm.errors import UserError
from t2t_mm.modalities.categorical.spec import Categorical
from tests.data.pipeline.test_batching import HPARAMS, image_problem, text_problem
from tests.toys import SMALL

WAYS = {
    "texts, some too long": (lambda: text_problem(150), {}),
    "static shapes, the second of two workers": (
        lambda: text_problem(150),
        {"static_shapes": True, "share": (1, 2)},
    ),
    "more in a batch than in a pass": (lambda: text_problem(9, 8), {}),
}


def next_batch(inputs, step=0):
    (name,) = inputs.problems
    return {key: value.numpy() for key, value in inputs.next(name, step).items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        np.testing.assert_array_equal(value, other[key], err_msg=key)


@pytest.mark.parametrize("way", WAYS)
def test_batches_go_on_as_they_would_have(tmp_path, way):
    make, ways = WAYS[way]
    whole = Inputs([make()], HPARAMS, 4, **ways)
    batches = []
    for step in range(14):
        batches.append(next_batch(whole, step))
        if step in (0, 6):
            whole.save(tmp_path / str(step))
    for step in (0, 6):
        again = Inputs([make()], HPARAMS, 4, **ways)
        assert again.restore(tmp_path / str(step))
        for batch in batches[step + 1 : 11]:
            assert_same(next_batch(again, 99), batch)
        again.save(tmp_path / "later")
        third = Inputs([make()], HPARAMS, 4, **ways)
        assert third.restore(tmp_path / "later")
        for batch in batches[11:]:
            assert_same(next_batch(third, 99), batch)


def test_what_is_not_read_between_two_checkpoints_stays_where_it_was(tmp_path):
    whole = Inputs([text_problem()], HPARAMS, 4)
    next_batch(whole)
    whole.save(tmp_path / "first")
    expected = next_batch(whole)
    for then, now in (("first", "second"), ("second", "third")):
        inputs = Inputs([text_problem()], HPARAMS, 4)
        inputs.restore(tmp_path / then)
        inputs.save(tmp_path / now)
    inputs.restore(tmp_path / "third")
    assert_same(next_batch(inputs, 9), expected)


def test_workers_share_the_examples_of_a_pass():
    problem, seen = text_problem(40, 8), []
    for worker in (0, 1):
        inputs = Inputs([problem], HPARAMS.replace(batch_size=8), 4, share=(worker, 2))
        pairs = []
        while len(pairs) < 20:  # of one example a batch: in the order that they are read
            batch = next_batch(inputs)
            pairs += zip(
                batch["inputs_mask"].sum(1) - 1, batch["targets_mask"].sum(1) - 1, strict=True
            )
        seen += pairs
    assert sorted(seen) == sorted(zip(*problem.raw.values(), strict=True))


def test_too_few_examples_for_the_workers_are_one_clear_line():
    with pytest.raises(UserError, match="toy has 2 train examples, too few to share.* 3 workers"):
        next_batch(Inputs([text_problem(2)], HPARAMS, 4, share=(0, 3)))


def size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_position_in_pictures_holds_none(tmp_path):
    problem = image_problem(Categorical(labels="two", num_classes=2), n=100)
    inputs = Inputs([problem], HPARAMS, 0)
    for step in range(3):
        next_batch(inputs, step)
    inputs.save(tmp_path)
    assert size(tmp_path) < 2_000


def test_a_position_in_the_mini_world_is_small_and_exact(trained_data, tmp_path):
    names = ("mini_ende", "mini_captions")

    def made():
        problems = [registry.problem(name).configure(SMALL) for name in names]
        return Inputs(prepare.resolve(problems, trained_data, SMALL), SMALL, 0)

    def batches(inputs):
        return [{k: v.numpy() for k, v in inputs.next(name, 9).items()} for name in names]

    whole = made()
    batches(whole)
    whole.save(tmp_path)
    assert size(tmp_path) < 10_000
    place = json.loads((tmp_path / "worker-0" / "seeds.json").read_text())
    assert place["positions"]["mini_ende"]["held"]
    again = made()
    assert again.restore(tmp_path)
    for one, other in zip(batches(whole), batches(again), strict=True):
        assert_same(one, other)


def test_nothing_is_tuned_where_stored_examples_are_read(trained_data):
    (problem,) = prepare.resolve([registry.problem("mini_ende")], trained_data, SMALL)
    assert problem.examples("validation").options().autotune.enabled is False
