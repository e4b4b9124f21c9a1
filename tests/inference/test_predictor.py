"""A trained model in a program: answers for text, pictures and sound, and for what is none."""

import functools
import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import t2t_mm
from t2t_mm import mixtures, registry
from t2t_mm.decoding import Beam, Sampling
from t2t_mm.errors import UserError
from t2t_mm.modalities.image.spec import Image as ImageSpec
from t2t_mm.problem import trees

SENTENCES = [
    "I see two red rings.",
    "There is a moon.",
    "The big green star is above three small blue squares.",
    "A.",
]


@pytest.fixture(scope="module")
def model(loaded):
    return loaded


def test_it_knows_what_it_was_trained_on(model):
    assert set(model.problems) == set(mixtures.parse("mini8")) and model.step == 2
    with pytest.raises(UserError, match="trained on .*mini_ende.*, not on wmt_ende"):
        model.predict("wmt_ende", "x")


def test_one_input_or_many(model):
    one = model.predict("mini_ende", SENTENCES[0], longest=12)
    assert isinstance(one["outputs"], str) and np.isfinite(one["score"])
    assert one["n_best"] == [(one["outputs"], one["score"])]
    many = model.predict("mini_ende", SENTENCES, longest=12)
    assert len(many) == 4 and many[0]["outputs"] == one["outputs"]
    for sentence, answer in zip(SENTENCES, many, strict=True):
        alone = model.predict("mini_ende", sentence, longest=12)
        assert alone["outputs"] == answer["outputs"] and alone["score"] == pytest.approx(
            answer["score"], abs=1e-3
        )


def test_what_cannot_be_read_stays_in_its_place(model, tmp_path):
    answers = model.predict("mini_ende", ["I see.", "", 3, "There is."], longest=5)
    assert ["error" in answer for answer in answers] == [False, True, True, False]
    (tmp_path / "no.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    pictures = [
        tmp_path / "no.png",
        tmp_path / "absent.png",
        np.zeros([64, 64, 3], np.uint8),
        np.zeros([3], np.uint8),
    ]
    assert ["error" in answer for answer in model.predict("mini_imagenet", pictures)] == [
        True,
        True,
        False,
        True,
    ]
    assert "error" in model.predict("mini_speech", str(tmp_path / "absent.wav"))
    assert model.predict("mini_ende", []) == []


def test_beams_and_draws(model):
    beam = model.predict("mini_ende", SENTENCES[0], Beam(3), longest=8)
    scores = [score for _, score in beam["n_best"]]
    assert len(scores) == 3 and scores == sorted(scores, reverse=True)
    assert beam["n_best"][0][0] == beam["outputs"]
    draw = lambda seed: model.predict("mini_ende", SENTENCES[0], Sampling(), longest=8, seed=seed)  # noqa: E731
    draws = [draw(seed)["outputs"] for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_what_is_drawn_for_an_input_depends_on_its_number_alone(model):
    draw = functools.partial(model.predict, "mini_ende", method=Sampling(1.5), longest=6, seed=3)
    many = [answer["outputs"] for answer in draw([SENTENCES[0]] * 34)]
    assert len(set(many)) > 30 and many[32:] != many[:2]
    assert draw(SENTENCES[0], first=33)["outputs"] == many[33]
    assert [answer["outputs"] for answer in draw([SENTENCES[2], SENTENCES[0]], first=4)][1] == many[
        5
    ]


def test_an_input_too_long_is_told_and_the_others_are_answered(model):
    inputs = [SENTENCES[1], "ring " * 9000, SENTENCES[1], "ring " * 200_000]
    answers = model.predict("mini_ende", inputs, longest=5)
    assert "positions long, where 8,192 are the most" in answers[1]["error"]
    assert "longer than 524,288 bytes" in answers[3]["error"]
    assert answers[0]["outputs"] == answers[2]["outputs"]
    # Kernels treat the last rows of a matrix differently: equal rows differ in the last bit.
    assert answers[0]["score"] == pytest.approx(answers[2]["score"], abs=1e-4)


def test_a_parse_is_a_tree_over_the_sentence(model):
    for sentence in SENTENCES:
        (tree,) = trees.parse(model.predict("mini_parse", sentence, longest=30)["outputs"])
        assert trees.words(tree) == sentence.replace(".", " .").split()
        found = model.predict("mini_parse", sentence, longest=30, as_stored=True)["outputs"]
        (tree,) = trees.parse(found)
        assert trees.words(tree) == sentence.split()


def test_a_sentence_is_read_as_the_treebank_writes_it(model):
    """What a person types and the words of the data give one answer, brackets and all."""
    typed = model.predict("mini_parse", "I see (two) red rings.", longest=30)
    stored = "I see -LRB- two -RRB- red rings ."
    assert typed == model.predict("mini_parse", stored, longest=30, as_stored=True)
    (tree,) = trees.parse(typed["outputs"])
    assert trees.words(tree) == stored.split()


def test_pictures_of_any_kind(model, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (50, 80, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    kinds = [
        str(tmp_path / "a.png"),
        (tmp_path / "a.png").read_bytes(),
        pixels,
        Image.fromarray(pixels),
    ]
    answers = model.predict("mini_imagenet", kinds, top=3)
    assert all(
        answer["label"] == answers[0]["label"] and len(answer["top"]) == 3 for answer in answers
    )
    assert 0 < answers[0]["probability"] == answers[0]["top"][0][1] <= 1
    assert answers[0]["probability"] == pytest.approx(answers[3]["probability"], abs=1e-5)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white_from_a_file_or_an_image(mode, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (32, 32, 4), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(
        stream, "PNG", **({"transparency": 0} if mode == "P" else {})
    )
    image = Image.open(stream)
    assert image.mode == mode
    spec = ImageSpec(size=32, crop=1.0)
    mine, theirs = (
        spec.encode(tf.convert_to_tensor(spec.read(value))) for value in (image, stream.getvalue())
    )
    np.testing.assert_allclose(mine, theirs, atol=2.1 / 127.5)


def test_sound_from_samples_and_files(model, tmp_path):
    import soundfile

    samples = (np.sin(np.arange(8000) / 9) * 9000).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples, 8000)
    content = (tmp_path / "a.wav").read_bytes()
    kinds = [samples, tmp_path / "a.wav", samples / 2.0**15, content, io.BytesIO(content)]
    answers = model.predict("mini_speech", kinds, longest=6)
    assert len({answer["outputs"] for answer in answers}) == 1


def test_a_trainer_made_in_between_does_no_harm(model, trained_data):
    from t2t_mm.config.run import RunConfig
    from t2t_mm.reporting.console import Silent
    from t2t_mm.training.trainer import Trainer

    before = model.predict("mini_ende", SENTENCES[0], longest=5)
    problem = registry.problem("mini_ende").resolve(trained_data, model.hparams)
    Trainer([problem], model.hparams, RunConfig(train_steps=1), console=Silent()).train()
    assert model.predict("mini_ende", SENTENCES[0], longest=5) == before


def test_a_directory_that_is_none(tmp_path):
    with pytest.raises(UserError, match="There is no directory"):
        t2t_mm.load(tmp_path / "absent")
    with pytest.raises(UserError, match="no checkpoint"):
        t2t_mm.load(tmp_path)
