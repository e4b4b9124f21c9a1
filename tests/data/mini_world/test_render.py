"""Pictures: what they show is what their captions say."""

from random import Random

import numpy as np
import pytest

from t2t_mm.data.mini_world import render, scenes
from t2t_mm.data.mini_world.lexicon import COLOURS, SHAPES
from t2t_mm.data.mini_world.meaning import Exists, Place, Thing


def reach(shapes):
    """Left, right, top and bottom of a group."""
    return (
        min(s.x - s.radius for s in shapes),
        max(s.x + s.radius for s in shapes),
        min(s.y - s.radius for s in shapes),
        max(s.y + s.radius for s in shapes),
    )


@pytest.mark.parametrize("sampler", [scenes.classified, scenes.captioned])
def test_layout_shows_count_and_relation(sampler):
    rng = Random(3)
    relations, counts = set(), set()
    for _ in range(500):
        scene = sampler(rng)
        main, *others = render.layout(scene, rng)
        counts.add(scene.what.count)
        assert len(main) == scene.what.count
        left, right, top, bottom = reach(main)
        assert min(left, top) >= 0 and max(right, bottom) <= render.CANVAS
        for other in others:
            its_left, its_right, its_top, its_bottom = reach(other)
            relations.add(scene.what.place.relation)
            assert {
                "above": bottom < its_top,
                "below": its_bottom < top,
                "left": right < its_left,
                "right": its_right < left,
            }[scene.what.place.relation]
            assert main[0].radius > other[0].radius * 1.2  # the main group is known by its size
        if len(others) == 2:  # told in reading order
            assert (
                reach(others[0])[1] < reach(others[1])[0]
                or reach(others[0])[3] < reach(others[1])[2]
            )
    assert relations == {"above", "below", "left", "right"}
    assert counts == ({1} if sampler is scenes.classified else {1, 2, 3})


def test_colours_stand_where_the_relation_puts_them():
    place = Place("above", Thing("square", "blue", "big"))
    scene = Exists(Thing("circle", "red", "huge", place=place))
    shapes = [shape for group in render.layout(scene, Random(0)) for shape in group]
    image = render.render(shapes, np.random.default_rng(0)).astype(int)
    assert image.shape == (64, 64, 3)
    red = np.argwhere((image[..., 0] > 180) & (image[..., 2] < 90))
    blue = np.argwhere((image[..., 2] > 180) & (image[..., 0] < 90))
    assert len(red) > 500 and len(blue) > 200
    assert red[:, 0].max() < blue[:, 0].min()


def test_shapes_and_colours_differ_and_edges_are_smooth():
    noise = np.random.default_rng

    def picture(shape, colour):
        return render.render([render.Drawn(shape, colour, 32, 32, 16, 0.1)], noise(0)).astype(int)

    shapes = {shape: picture(shape, "black") for shape in SHAPES}
    for a in SHAPES:
        dark = (shapes[a] < 60).all(-1).mean()
        assert 0.04 < dark < 0.25, a
        edge = ((shapes[a] > 40) & (shapes[a] < 115)).all(-1).sum()
        assert edge > 15, a
        for b in SHAPES:
            assert a == b or (abs(shapes[a] - shapes[b]) > 50).all(-1).sum() > 40, (a, b)
    centres = [picture("circle", colour)[28:36, 28:36].mean((0, 1)) for colour in COLOURS]
    distances = [np.abs(a - b).max() for i, a in enumerate(centres) for b in centres[:i]]
    assert min(distances) > 60


def test_a_scene_is_drawn_differently_each_time_but_the_same_from_the_same_seeds():
    scene = scenes.captioned(Random(5))

    def picture(seed):
        shapes = [shape for group in render.layout(scene, Random(seed)) for shape in group]
        return render.render(shapes, np.random.default_rng(seed))

    assert (picture(1) == picture(1)).all()
    assert (picture(1) != picture(2)).mean() > 0.3
