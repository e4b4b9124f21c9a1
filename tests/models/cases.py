"""A small problem for every pair of modalities, and batches of them."""

from types import SimpleNamespace

import numpy as np
import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.modalities.audio.spec import Audio
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.image.spec import Image
from t2t_mm.modalities.language.spec import Language
from t2t_mm.models.multimodel import MultiModel
from t2t_mm.models.transformer import Transformer

MODELS = {"multimodel": MultiModel, "transformer": Transformer}
HP = HParams().replace(
    hidden_size=16,
    num_heads=4,
    encoder_blocks=1,
    mixer_blocks=1,
    decoder_blocks=1,
    moe_experts=4,
    moe_k=2,
    moe_hidden=8,
    dropout=0.0,
    moe_capacity=4.0,
)
TEXT, TAGS = Language(vocab="text", size=40), Language(vocab="tags", size=20, units="symbols")

WORDS = Categorical(labels="word", num_classes=4)


def problem(name, inputs, targets, command):
    return SimpleNamespace(name=name, inputs=inputs, targets=targets, command=command)


PROBLEMS = {
    p.name: p
    for p in [
        problem("translate", TEXT, TEXT, "to-german"),
        problem("parse", TEXT, TAGS, "to-parse-tree"),
        problem("classify_text", TEXT, Categorical(labels="tone", num_classes=3), "to-tone"),
        problem(
            "classify_image",
            Image(size=48),
            Categorical(labels="thing", num_classes=5),
            "to-image-label",
        ),
        problem("caption", Image(size=64), TEXT, "to-english"),
        problem("transcribe", Audio(bins=20), TEXT, "to-english"),
        problem("classify_sound", Audio(form="waveform", time_stride=16), WORDS, "to-word"),
    ]
}


def batch(problem, seed=0, size=2, length=11, target_length=7, short=3):
    """A random batch; the second example is shorter by `short` target positions and as many input
    positions."""
    rng = np.random.default_rng(seed)
    lengths = np.array([length] + [length - short] * (size - 1))
    result = {}
    if problem.inputs.kind == "language":
        result["inputs"] = rng.integers(3, problem.inputs.size, (size, length)).astype("int32")
    elif problem.inputs.kind == "image":
        side = problem.inputs.size
        result["inputs"] = rng.uniform(-1, 1, (size, side, side, 3)).astype("float32")
    elif problem.inputs.kind == "nothing":
        lengths, length = np.ones([size], int), 1
        result["inputs"] = np.zeros((size, 1), "int32")
    else:
        lengths, length = lengths * 16, length * 16
        shape = (
            (size, length, problem.inputs.bins, 1)
            if problem.inputs.form == "spectrogram"
            else (size, length, 1)
        )
        result["inputs"] = rng.normal(size=shape).astype("float32")
    if problem.inputs.kind != "image":
        result["inputs_mask"] = np.arange(length)[None] < lengths[:, None]
    if problem.targets.kind == "categorical":
        result["targets"] = rng.integers(0, problem.targets.num_classes, (size, 1)).astype("int32")
        result["targets_mask"] = np.ones((size, 1), bool)
    else:
        result["targets"] = rng.integers(3, problem.targets.size, (size, target_length)).astype(
            "int32"
        )
        target_lengths = np.array([target_length] + [target_length - short] * (size - 1))
        result["targets_mask"] = np.arange(target_length)[None] < target_lengths[:, None]
    return {key: tf.constant(value) for key, value in result.items()}
