"""Every registered problem keeps the contract: a problem is tested by being registered.

What follows from the modalities of its sides and the source of its data is tested on one of each
kind.

The built-in ones are prepared from a small fixture of their raw layout, or a small mini world.
"""

import functools
import json

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from PIL import Image as Picture

from t2t_mm import registry
from t2t_mm.config.hparams import HParams
from t2t_mm.data import prepare
from t2t_mm.data.mini_world import MiniWorld
from t2t_mm.data.pipeline import batching
from tests import stock

HPARAMS = HParams(batch_size=256, image_size=64, hidden_size=16)
NAMES = registry.list_problems()


def one_of_each(names, key):
    """The first problem of each key, for tests of what problems of a kind have in common."""
    found = {}
    for name in names:
        found.setdefault(key(registry.problem(name)), name)
    return list(found.values())


def kind(problem):
    """Where the data comes from, and which modality each side has."""
    sides = [*problem.inputs.fields.values(), problem.targets]
    modalities = [(spec.kind, getattr(spec, "form", "")) for spec in sides]
    return problem.raw_layout or problem.dataset.startswith("mini_world"), *modalities


KINDS = one_of_each(NAMES, kind)
STOCK = one_of_each(
    (name for name in NAMES if registry.problem(name).source and registry.problem(name).dataset),
    lambda problem: problem.dataset.partition("/")[0],
)
TEXTS = ["A dog sleeps.", "  Two  spaces\tand a tab ", "Größe — 猫, naïve ▁ \u2028 🙂", "x"] + [
    f"Line {i}." for i in range(20)
]
TREES = [
    "(ROOT (S (NP (DT The) (NN dog)) (VP (VBZ barks)) (. .)))",
    "(ROOT (NP (NN Introduction)))",
] * 8


def parallel_text(folder, problem):
    for split in ("train", "validation"):
        for key in (problem.input_key, problem.target_key):
            (folder / f"{split}.{key}").write_text(
                "".join(f"{text} {key}\n" for text in TEXTS), encoding="utf-8"
            )


def image_folder(folder, problem):
    random = np.random.default_rng(0)
    for split in ("train", "validation"):
        for label in ("daisy", "rose"):
            (folder / split / label).mkdir(parents=True)
            for i in range(4):
                pixels = random.integers(0, 255, (70 + i, 90, 3), np.uint8)
                (folder / split / label / f"{i}.jpg").write_bytes(tf.io.encode_jpeg(pixels).numpy())


def bracketed_trees(folder, problem):
    for split in ("train", "validation"):
        (folder / f"{split}.mrg").write_text("\n".join(TREES) + "\n")


def coco(folder, problem):
    (folder / "annotations").mkdir()
    for split in ("train", "val"):
        (folder / f"{split}2017").mkdir()
        images, captions = [], []
        for i, mode in enumerate(["RGB", "RGBA", "L", "CMYK"]):
            form = "PNG" if mode == "RGBA" else "JPEG"
            Picture.new(mode, (80 + i, 30)).save(folder / f"{split}2017/{i}.{form.lower()}", form)
            images.append({"id": i, "file_name": f"{i}.{form.lower()}"})
            captions += [{"image_id": i, "caption": f"{text} {i}"} for text in TEXTS[i : i + 3]]
        notes = json.dumps({"images": images, "annotations": captions})
        (folder / f"annotations/captions_{split}2017.json").write_text(notes)


def kaldi(folder, problem):
    random = np.random.default_rng(0)
    for split in ("train", "validation"):
        (folder / split).mkdir()
        for i in range(6):
            soundfile.write(
                folder / split / f"{i}.flac", random.normal(size=9000 + 500 * i) * 0.1, 22050
            )
        (folder / split / "wav.scp").write_text(
            "".join(f"{i} {split}/{i}.flac\n" for i in range(6))
        )
        (folder / split / "text").write_text(
            "".join(f"{i} {text.strip()}\n" for i, text in enumerate(TEXTS[:6]))
        )


RAW = {
    maker.__name__: maker for maker in (parallel_text, image_folder, bracketed_trees, coco, kaldi)
}


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    """All problems, prepared and resolved, by name."""
    raw, data = tmp_path_factory.mktemp("raw"), tmp_path_factory.mktemp("data")
    wanted = [registry.problem(name).configure(HPARAMS) for name in NAMES]
    for problem in wanted:
        if not problem.raw_layout and not problem.dataset.startswith("mini_world"):
            stock.pretend(problem.dataset, stock_splits(problem), data)
        elif problem.raw_layout and not (raw / problem.folder).exists():
            (raw / problem.folder).mkdir()
            RAW[problem.raw_layout](raw / problem.folder, problem)
    with pytest.MonkeyPatch.context() as patch:
        for config in MiniWorld.BUILDER_CONFIGS:
            patch.setattr(config, "train", 60)
            patch.setattr(config, "validation", 20)
            patch.setattr(config, "test", 20)
        prepare.prepare(wanted, data, raw, log=lambda line: None)
    return {problem.name: problem for problem in prepare.resolve(wanted, data, HPARAMS)}


def stock_splits(problem):
    return sorted({part for name in problem.stock_splits.values() for part in name.split("+")})


@pytest.fixture(scope="module")
def one():
    """A function that gives raw values of one side of a problem's training split, as tensors; of
    several captions, the first. They are read once."""

    @functools.cache
    def read(problem, side):
        values = [example[side] for example in problem.examples("train", sides=(side,)).take(30)]
        several = lambda value: (  # noqa: E731
            tf.is_tensor(value) and value.dtype == tf.string and value.shape.rank
        )
        return [value[0] if several(value) else value for value in values]

    return read


def read_of(batch, problem):
    """(modality, values, mask or None) of each input in a batch."""
    for field, spec in problem.inputs.fields.items():
        key = f"inputs/{field}" if field else "inputs"
        yield spec, batch[key], batch.get(f"{key}_mask")


@pytest.mark.parametrize("name", NAMES)
def test_declaration(name):
    problem = registry.problem(name)
    assert (
        problem.name == name
        and problem.description.endswith(".")
        and len(problem.description) < 110
    )
    assert problem.command.startswith("to-")
    assert problem.inputs.as_input and problem.targets.as_target
    assert problem.dataset or problem.raw_layout
    assert {problem.inputs, problem.targets}  # hashable: specs are keys


@pytest.mark.parametrize("name", NAMES)
def test_what_is_resolved_is_complete(problems, name):
    problem = problems[name]
    assert problem.splits()["train"] > 0 and problem.splits()["validation"] > 0
    for spec in (*problem.inputs.fields.values(), problem.targets):
        if spec.kind == "language":
            assert spec.size == spec.vocabulary().size and spec.path
        if spec.kind in ("categorical", "multi_label"):
            assert len(spec.names) == spec.num_classes > 1
        if spec.kind == "real":
            assert len(spec.mean) == spec.size and min(spec.deviation) > 0


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", KINDS)
def test_batches(problems, name, training):
    problem = problems[name]
    split = "train" if training else "validation"
    (batch,) = (
        batching.batches(problem, split, HPARAMS, training=training).take(1).as_numpy_iterator()
    )
    targets, mask = batch["targets"], batch["targets_mask"]
    assert mask.dtype == bool and mask.shape == targets.shape[:2] and mask[:, 0].all()
    assert not targets[~mask].any()
    if targets.ndim == 3:  # several values at once
        assert targets.dtype == np.float32 and targets.shape[1] == 1 and np.isfinite(targets).all()
    else:
        limit = getattr(problem.targets, "size", None) or problem.targets.num_classes
        assert targets.dtype == np.int32 and 0 <= targets.min() <= targets.max() < limit
    assert ("inputs_mask" in batch) == ("inputs" in batch and problem.inputs.masked)
    for spec, inputs, input_mask in read_of(batch, problem):
        if spec.masked:
            assert input_mask.dtype == bool and input_mask.shape == inputs.shape[:2]
            assert not inputs[~input_mask].any() and (np.diff(input_mask.astype(int)) <= 0).all()
        if spec.kind == "language":
            assert inputs.dtype == np.int32 and inputs.max() < spec.size
        elif spec.kind == "image":
            side = {"cifar10": 32, "mini_imagenet": 32}.get(name, 64)
            assert inputs.shape[1:] == (side, side, spec.channels) and inputs.dtype == np.float32
            assert np.abs(inputs).max() <= 1.001
        elif spec.kind == "nothing":
            assert inputs.dtype == np.int32 and inputs.shape[1:] == (1,)
        else:
            assert inputs.shape[2:] in ((spec.bins, 1), (1,)) and np.isfinite(inputs).all()


@pytest.mark.parametrize("name", NAMES)
def test_targets_come_back(problems, one, name):
    problem = problems[name]
    for raw in one(problem, "targets"):
        told = problem.decode_targets(problem.encode_targets(raw).numpy())
        wanted = problem.targets.texts(raw.numpy())
        if problem.targets.kind == "real":  # normalised in 32 bits: the last digit may differ
            told, wanted = np.float64(told.split()), np.float64(wanted[0].split())
            np.testing.assert_allclose(told, wanted, atol=1e-4)
        else:
            assert [told] == wanted


@pytest.mark.parametrize("name", KINDS)
def test_encoding_runs_in_a_graph_of_scalars_as_it_does_eagerly(problems, one, name):
    problem = problems[name]
    for side, encode in (("inputs", problem.encode_inputs), ("targets", problem.encode_targets)):
        raw = one(problem, side)[0]
        open_shape = lambda each: tf.TensorSpec([None] * each.shape.rank, each.dtype)  # noqa: E731
        graph = tf.function(encode, input_signature=[tf.nest.map_structure(open_shape, raw)])
        found, wanted = tf.nest.flatten(graph(raw)), tf.nest.flatten(encode(raw))
        for one_of_graph, each in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one_of_graph, each, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_body_positions_are_those_of_the_net(problems, one, name):
    problem = problems[name]
    nets = [spec.net(HPARAMS) for spec in problem.inputs.fields.values()]
    for net in nets:
        net.build_bottom()
    for raw in one(problem, "inputs")[:2]:
        encoded, positions = problem.encode_inputs(raw), 0
        batch = {key: each[None] for key, each in problem.inputs.in_batch(encoded).items()}
        for net, (spec, value, mask) in zip(nets, read_of(batch, problem), strict=True):
            positions += net.bottom(value, mask if spec.masked else None)[0].shape[1]
        assert positions == int(problem.inputs.positions(encoded))


@pytest.mark.parametrize("name", NAMES)
def test_modifiers_that_are_allowed_work(problems, one, name):
    problem = problems[name]
    makers = {"rev": problem.reversed, "copy": problem.copied}
    for modifier in problem.modifiers:
        other = makers[modifier]()
        assert other.name == f"{name}_{modifier}" and other.command.startswith("to-")
        raw = one(other, "targets")[0]
        encoded = other.encode_targets(raw).numpy()
        assert encoded.max() < other.targets.size
        assert other.decode_targets(encoded) == raw.numpy().decode()


@pytest.mark.parametrize("name", STOCK)
def test_the_stock_data_set_serves_as_well(name, tmp_path):
    """What the raw folder gives, the stock data set gives: same batches in kind, every split that
    is promised."""
    problem = registry.problem(name).configure(HPARAMS)
    stock.pretend(problem.dataset, stock_splits(problem), tmp_path)
    prepare.prepare([problem], tmp_path, log=lambda line: None)
    problem = problem.resolve(tmp_path, HPARAMS)
    assert problem.splits() == {
        split: 24 * len(stored.split("+")) for split, stored in problem.stock_splits.items()
    }
    for split in problem.splits():
        assert len(list(problem.examples(split))) == problem.splits()[split]
    (batch,) = batching.batches(problem, "train", HPARAMS, training=True).take(1)
    assert batch["targets"].shape[0] > 0 and bool(tf.reduce_all(batch["targets_mask"][:, 0]))


def test_each_caption_is_an_example_of_evaluation_and_training_draws_one(problems):
    problem = problems["coco_captions"]
    count = sum(
        len(batch["targets"])
        for batch in batching.batches(problem, "validation", HPARAMS, training=False)
    )
    captions = sum(len(raw["targets"]) for raw in problem.examples("validation"))
    assert count == captions == 12
    data = batching.batches(problem, "train", HPARAMS, training=True).take(20)
    seen = {problem.decode_targets(row) for batch in data for row in batch["targets"].numpy()}
    assert seen == {
        text.decode()
        for raw in problem.examples("train").as_numpy_iterator()
        for text in raw["targets"]
    }


def test_the_language_problems_of_the_paper_share_a_vocabulary(problems):
    shared = [problems[name].inputs for name in NAMES if name.startswith("wm")] + [
        problems["wsj_parse"].inputs
    ]
    assert len(set(shared)) == 1 and problems["wsj_parse"].targets not in shared
    assert problems["mini_ende"].inputs not in shared
