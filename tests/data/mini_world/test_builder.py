"""The TFDS builder, on small configurations of the same kinds."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from t2t_mm.data.mini_world import MiniWorld, MiniWorldConfig
from t2t_mm.data.mini_world.lexicon import COLOURS, SHAPES

SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """Generates 40 + 8 + 8 examples of a kind and reads them back: {split: [example]}."""

    def run(kind, seed=0):
        config = MiniWorldConfig(
            name=f"{kind}_{seed}", content=kind, train=40, validation=8, test=8, seed=seed
        )
        builder = MiniWorld(config=config, data_dir=tmp_path_factory.mktemp("data"))
        builder.download_and_prepare()
        again = tfds.builder_from_directory(builder.data_path)
        return {split: list(tfds.as_numpy(again.as_dataset(split))) for split in SPLITS}

    return run


@pytest.mark.parametrize("kind", ["text", "image", "caption", "speech", "scene", "question"])
def test_splits_and_determinism(read, kind):
    data = read(kind)
    assert [len(data[split]) for split in SPLITS] == [40, 8, 8]
    for one, other in zip(data["train"], read(kind)["train"], strict=True):
        assert all(np.array_equal(one[key], other[key]) for key in one)
    changed = read(kind, seed=1)["train"]
    key = next(key for key in ("en", "image", "picture") if key in changed[0])
    same = [
        np.array_equal(one[key], other[key])
        for one, other in zip(data["train"], changed, strict=True)
    ]
    assert sum(same) < 10


def test_no_sentence_is_in_two_splits_of_any_kind(read):
    sentences = {split: set() for split in SPLITS}
    for kind in ("text", "caption", "speech"):
        for split, examples in read(kind).items():
            sentences[split] |= {example["en"] for example in examples}
    assert not sentences["train"] & sentences["validation"]
    assert not sentences["train"] & sentences["test"]
    assert not sentences["validation"] & sentences["test"]


def test_columns(read):
    text = read("text")["train"][0]
    assert set(text) == {"en", "de", "fr", "words", "tree", "symbols"}
    assert text["words"].decode().replace(" .", ".").replace(" ,", ",") == text["en"].decode()
    assert text["tree"].startswith(b"(ROOT (S ") and text["symbols"].endswith(b")S )ROOT")
    picture = read("image")["train"]
    assert picture[0]["image"].shape == (64, 64, 3) and picture[0]["image"].dtype == np.uint8
    assert len({example["label"] for example in picture}) > len(SHAPES) // 2
    scene = read("scene")["train"]
    assert all(0.2 < value < 0.8 for example in scene for value in example["position"])
    assert all(2 <= len(set(example["attributes"])) <= 4 for example in scene)
    asked = read("question")["train"][0]
    assert asked["picture"].shape == (64, 64, 3) and 0 <= asked["colour"] < 8
    question = asked["question"].decode()
    things = (f"{size} {shape}" for size in ("small", "huge") for shape in SHAPES)
    (thing,) = (each for each in things if question == f"What colour is the {each}?")
    assert asked["answer"].decode() == f"The {thing} is {[*COLOURS][asked['colour']]}."
    audio = read("speech")["train"][0]["audio"]
    assert audio.dtype == np.int16 and 4000 < len(audio) < 24000


def test_stock_sizes():
    configs = MiniWorld.BUILDER_CONFIGS
    sizes = {config.name: (config.train, config.validation, config.test) for config in configs}
    assert set(sizes) == {"text", "image", "caption", "speech", "scene", "question"}
    assert all(train >= 3000 and min(held_out) >= 200 for train, *held_out in sizes.values())
