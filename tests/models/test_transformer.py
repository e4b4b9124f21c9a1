"""The Transformer goes through all that a run does: what the contract of a model is for."""

import numpy as np
import pytest

import t2t_mm
from t2t_mm import registry
from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.data import prepare
from t2t_mm.decoding import Beam
from t2t_mm.export import export
from t2t_mm.inference.explain import explain
from t2t_mm.reporting.console import Silent
from t2t_mm.reporting.plots import draw
from t2t_mm.training.trainer import Trainer
from tests.toys import without_work

PROBLEMS = ("mini_ende", "mini_imagenet")
SENTENCE = "I see two red rings."
PICTURE = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def run(trained_data, tmp_path_factory):
    """(Trainer of a run of two steps that was resumed for a third, its directory)."""
    hparams = HParams(
        hidden_size=16,
        num_heads=2,
        encoder_blocks=1,
        decoder_blocks=2,
        batch_size=256,
        image_size=64,
        rematerialise=True,
    )
    problems = [registry.problem(name).configure(hparams) for name in PROBLEMS]
    problems = prepare.resolve(problems, trained_data, hparams)
    output = tmp_path_factory.mktemp("transformer")
    for before, steps in ((0, 2), (2, 3)):
        config = RunConfig(train_steps=steps, model="transformer", mode="train")
        trainer = Trainer(problems, hparams, config, output, console=Silent())
        trainer.resume()
        assert trainer.step == before
        (without_work(trainer) if before else trainer).train()
    return trainer, output


def test_it_resumes_where_it_was(run):
    assert run[0].step == 3


def test_it_answers_and_is_explained(run):
    model = t2t_mm.load(run[1])
    assert type(model.model).__name__ == "Transformer"
    answer = model.predict("mini_ende", SENTENCE, longest=8)
    found = explain(model, "mini_ende", SENTENCE)
    assert list(found.attention) == ["decoder 1", "decoder 2"] and not found.experts
    assert found.attention["decoder 1"].shape == (2, len(found.outputs), len(found.inputs))
    assert draw(found, "svg") and isinstance(answer["outputs"], str)


def test_an_export_answers_as_the_model(run, tmp_path):
    model = t2t_mm.load(run[1])
    exported = t2t_mm.load(export(model, tmp_path / "export", method=Beam(2), longest=10))
    mine = model.predict("mini_ende", SENTENCE, method=Beam(2), longest=10)
    theirs = exported.predict("mini_ende", SENTENCE)
    assert theirs["outputs"] == mine["outputs"]
    np.testing.assert_allclose(theirs["score"], mine["score"], rtol=1e-3)
    label = model.predict("mini_imagenet", PICTURE)["label"]
    assert exported.predict("mini_imagenet", PICTURE)["label"] == label
