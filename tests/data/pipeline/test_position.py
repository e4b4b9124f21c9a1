"""A position: what was read, what is held, what was left out."""

import json

import numpy as np

from t2t_mm.data.pipeline.position import NONE_BEFORE, Position


def test_examples_are_held_until_a_batch_has_them_and_those_left_out_are_not():
    place = Position()
    # 0 to 6 are read, 2 and 5 are too long, and 3 and 6 fill a batch: 0, 1 and 4 wait
    place.take(np.array([[3, 1], [6, 4]]))
    assert (place.next, place.held.tolist()) == (7, [0, 1, 4])
    place.take(np.array([[0, NONE_BEFORE], [8, 6]]))  # 7 was too long
    assert (place.next, place.held.tolist()) == (9, [1, 4])


def test_what_was_too_long_before_an_example_that_is_held_goes_with_it():
    place = Position()
    place.take(np.array([[3, 2]]))  # 0 is too long, which only 1, or 2, can tell
    assert place.held.tolist() == [0, 1, 2]
    place.take(np.array([[1, NONE_BEFORE], [4, 3]]))
    assert (place.next, place.held.tolist()) == (5, [2])


def test_it_comes_back_from_json():
    place = Position(7, np.array([2, 5]))
    again = Position.of(json.loads(json.dumps(place.recorded(90))))
    assert (again.next, again.held.tolist()) == (7, [2, 5])
    again.take(np.array([[5, 2], [8, 7]]))
    assert (again.next, again.held.tolist()) == (9, [2, 7])
