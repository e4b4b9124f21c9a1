"""What a model attended to and which experts it used, as numbers and as pictures."""

import sys

import numpy as np
import pytest

from t2t_mm.errors import UserError
from t2t_mm.inference.explain import Explanation, explain
from t2t_mm.reporting.plots import draw
from tests import commands

SENTENCE = "I see two red rings."
RANDOM = np.random.default_rng(0)
INPUTS = {
    "mini_ende": SENTENCE,
    "mini_imagenet": RANDOM.integers(0, 255, (64, 64, 3)).astype(np.uint8),
    "mini_speech": RANDOM.uniform(-1, 1, size=8000).astype(np.float32),
}


@pytest.fixture(scope="module")
def model(loaded):
    return loaded


@pytest.mark.parametrize("problem", INPUTS)
def test_all_attention_and_all_gates_are_accounted_for(model, problem):
    found, answer = (
        explain(model, problem, INPUTS[problem]),
        model.predict(problem, INPUTS[problem]),
    )
    assert found.answer == answer.get("outputs", answer.get("label"))
    assert list(found.attention) == [
        "mixer",
        *(f"decoder {i + 1}" for i in range(model.hparams.decoder_blocks)),
    ]
    shape = (model.hparams.num_heads, len(found.outputs), len(found.inputs))
    for weights in found.attention.values():
        assert weights.shape == shape
        np.testing.assert_allclose(weights.sum(-1), 1.0, rtol=1e-4)
    assert found.experts["encoder"].shape == (len(found.inputs), model.hparams.moe_experts)
    assert found.experts["decoder"].shape == (len(found.outputs), model.hparams.moe_experts)
    for gates in found.experts.values():
        np.testing.assert_allclose(gates.sum(-1), 1.0, rtol=1e-4)
        assert ((gates > 0).sum(-1) <= model.hparams.moe_k).all()
    png, svg = draw(found, "png"), draw(found, "svg").decode()
    assert png.startswith(b"\x89PNG") and f"{problem}: " in svg and "experts, decoder" in svg
    if problem == "mini_ende":
        assert "▁rings" in found.inputs and "▁rings" in svg


def test_a_model_answers_as_before_afterwards(model):
    before = model.predict("mini_ende", SENTENCE, longest=8)
    explain(model, "mini_ende", "There is a moon for $5 and $6.")
    assert model.predict("mini_ende", SENTENCE, longest=8) == before


def test_what_cannot_be_read_is_told(model):
    with pytest.raises(UserError, match="can't be read: the text is empty"):
        explain(model, "mini_ende", "")
    with pytest.raises(UserError, match="absent.png"):
        explain(model, "mini_imagenet", "absent.png")
    with pytest.raises(UserError, match="absent.wav"):
        explain(model, "mini_speech", "absent.wav")
    with pytest.raises(UserError, match="nothing to draw"):
        draw(Explanation("mini_ende", ["a"], ["b"], "b", {}, {}))


def test_the_command_writes_both_pictures(trained, tmp_path):
    line = [
        sys.executable,
        "-m",
        "t2t_mm.cli.explain",
        f"--output_dir={trained}",
        "--problem=mini_ende",
    ]
    done = commands.run([*line, f"--input={SENTENCE}", f"--picture={tmp_path / 'a.png'}"])
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "a.svg"]
    done = commands.run([*line, "--input=x", f"--picture={tmp_path / 'no' / 'a.png'}"])
    assert done.returncode == 1 and "there is no directory" in done.stderr
