"""What is exported answers as the model does: in a process of its own, to broken inputs, in
Serving's layout."""

import importlib.metadata
import io
import json
import re
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from PIL import Image as Picture

import t2t_mm
from t2t_mm.decoding import Beam
from t2t_mm.errors import UserError
from t2t_mm.export import export, warmup
from t2t_mm.modalities.base import NO_SCORE

ALONE = Path(__file__).with_name("alone.py")
SENTENCES = [
    "I see two red rings.",
    "There is a moon.",
    "The big green star is above three small blue squares.",
]
RANDOM = np.random.default_rng(0)


def png(height, width):
    return tf.io.encode_png(RANDOM.integers(0, 255, (height, width, 3), np.uint8)).numpy()


def wav(samples, rate, subtype="PCM_16"):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype=subtype)
    return file.getvalue()


def sine(count, pitch=9.0):
    return np.sin(np.arange(count) / pitch) * 0.3


def saved(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def shades(mode, **options):
    values = np.linspace(0, 255, 70 * 40, dtype=np.uint8).reshape(70, 40)
    return Picture.fromarray(values).convert("RGB").convert(mode, **options)


TURNED = Picture.Exif()
TURNED[0x0112] = 6

GOOD = {
    "language": [text.encode() for text in SENTENCES],
    "image": [
        png(50, 80),
        png(64, 64),
        tf.io.encode_jpeg(RANDOM.integers(0, 255, (90, 30, 3), np.uint8)).numpy(),
        saved(shades("P", colors=4, palette=Picture.Palette.ADAPTIVE), "PNG", transparency=1),
        saved(shades("RGB"), "JPEG", exif=TURNED),
        saved(shades("P"), "GIF", transparency=0),
    ],
    "audio": [
        wav(sine(8000), 8000),
        wav(sine(5000, 4.0), 8000),
        wav(np.stack([sine(9000)] * 2, 1), 16000),
        wav(sine(4000), 8000, "FLOAT"),
        wav(sine(4000), 44100, "PCM_24"),
    ],
}
TALL = tf.io.encode_jpeg(RANDOM.integers(0, 255, (120, 60, 3), np.uint8)).numpy()
BROKEN = {
    "language": [
        b"",
        b" \t ",
        "\u3000\xa0".encode(),
        "\ufeff\u200b".encode(),
        b"\xff\xfe rings",
        b"x" * 600_000,
    ],
    "image": [
        GOOD["image"][2][:200],
        TALL[: len(TALL) * 85 // 100],
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"text",
        saved(Picture.new("1", (13_000, 13_000)), "PNG"),
    ],
    "audio": [
        b"",
        b"RIFF",
        wav(np.zeros(0), 8000),
        wav(sine(8000), 8000)[:5000],
        wav(sine(8000) * np.nan, 8000, "FLOAT"),
        wav(sine(8000) * 2**15, 8000, "FLOAT"),
        wav(np.stack([sine(8000), -sine(8000)], 1), 8000),
        wav(sine(8000), 8000, "IMA_ADPCM"),
    ],
}
ODD = {"language": [b"a\x00b", b"\xef\xbb\xbfrings", b"x" * 2000], "image": [], "audio": []}


EXPORTED = ["mini_ende", "mini_parse", "mini_imagenet", "mini_speech"]


@pytest.fixture(scope="module")
def model(loaded):
    return loaded


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    """A problem of each kind of input, and a parse."""
    return export(model, tmp_path_factory.mktemp("export"), EXPORTED, longest=20)


@pytest.fixture(scope="module")
def served(exported):
    """The export, loaded as a model is."""
    return t2t_mm.load(exported.parent)


@pytest.fixture(scope="module")
def beams(model, tmp_path_factory):
    """One problem, with beam search."""
    return export(model, tmp_path_factory.mktemp("beams"), ["mini_ende"], Beam(2), longest=20)


def answers_alone(path, requests, folder):
    """What a fresh virtual environment with tensorflow and tensorflow_text answers."""
    python = environment(folder / "venv", "tensorflow", "tensorflow_text")
    asked = {name: [value.hex() for value in values] for name, values in requests.items()}
    (folder / "requests.json").write_text(json.dumps(asked))
    line = [python, "-I", ALONE, path, folder / "requests.json", folder / "answers.json"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=folder, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "answers.json").read_text())


def environment(folder, *packages):
    """The Python of a new virtual environment with these packages and what they need: links to
    those of this one."""
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for name in closure(packages):
        for file in importlib.metadata.distribution(name).files:
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (site / top).exists():
                (site / top).symlink_to(
                    Path(file.locate()).parents[len(file.parts) - 2]
                    if len(file.parts) > 1
                    else file.locate()
                )
    return folder / "bin" / "python"


def closure(names):
    """Names of distributions and of all that they need here."""
    found, todo = set(), list(names)
    while todo:
        name = re.sub("[-_.]+", "-", todo.pop()).lower()
        if name in found:
            continue
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:  # for another system
            continue
        found.add(name)
        todo += [re.match(r"[\w.-]+", need)[0] for need in needs if "extra ==" not in need]
    return found


def test_all_problems_answer_in_an_environment_without_ours(model, exported, tmp_path):
    kinds = {name: model.problems[name].inputs.kind for name in EXPORTED}
    asked = {name: [*GOOD[kind], *BROKEN[kind], *ODD[kind]] for name, kind in kinds.items()}
    told = answers_alone(exported, asked, tmp_path)
    for name, kind in kinds.items():
        answers, good, broken = told["answers"][name], len(GOOD[kind]), len(BROKEN[kind])
        inputs = [value.decode() for value in GOOD[kind]] if kind == "language" else GOOD[kind]
        mine = model.predict(name, inputs, longest=20)
        text = "labels" if model.problems[name].targets.kind == "categorical" else "outputs"
        texts = [bytes.fromhex(value).decode() for value in answers[text]]
        assert texts[:good] == [answer.get("outputs", answer.get("label")) for answer in mine], name
        assert texts[good : good + broken] == [""] * broken
        unread = BROKEN[kind]
        if kind == "language":
            unread = [value.decode("utf-8", "surrogateescape") for value in unread]
        assert all("error" in answer for answer in model.predict(name, unread)), name
        assert answers["scores"][good : good + broken] == [NO_SCORE] * broken
        assert np.isfinite([*answers["scores"][:good], *answers["scores"][good + broken :]]).all()
        wanted = [answer.get("score", np.log(answer.get("probability", 1.0))) for answer in mine]
        np.testing.assert_allclose(answers["scores"][:good], wanted, atol=1e-4, err_msg=name)


def test_beams_in_the_layout_of_serving(model, beams):
    assert [path.name for path in beams.parent.iterdir()] == [beams.name] == [str(model.step)]
    with pytest.raises(UserError, match="is there already, and is not overwritten"):
        export(model, beams.parent, ["mini_ende"])
    signatures = tf.saved_model.load(str(beams)).signatures
    assert set(signatures) == {"mini_ende", "serving_default"}
    found = signatures["serving_default"](inputs=tf.constant([*SENTENCES, ""]))
    for row, answer in enumerate(model.predict("mini_ende", SENTENCES, Beam(2), longest=20)):
        assert [text.decode() for text in found["outputs"].numpy()[row]] == [
            text for text, _ in answer["n_best"]
        ]
        np.testing.assert_allclose(
            found["scores"][row], [score for _, score in answer["n_best"]], atol=1e-4
        )
    assert found["outputs"].shape == (4, 2)
    assert found["scores"].numpy()[3].tolist() == [NO_SCORE] * 2
    assert found["cut"].shape == (4, 2) and not found["cut"].numpy()[3].any()
    for row, answer in enumerate(model.predict("mini_ende", SENTENCES, Beam(2), longest=20)):
        assert found["cut"].numpy()[row, 0] == answer["cut"]
    assert signatures["mini_ende"](inputs=tf.constant([], tf.string))["outputs"].shape == (0, 2)


def test_warm_up_requests_can_be_answered(exported, served):
    signatures, asked = served._signatures, []
    for record in tf.data.TFRecordDataset(str(exported / warmup.FILE)).as_numpy_iterator():
        request = warmup.messages()["PredictionLog"].FromString(record).predict_log.request
        inputs = tf.make_ndarray(request.inputs[0].value)
        asked.append((request.model_spec.signature_name, len(inputs)))
        if len(inputs) == 1:
            scores = signatures[request.model_spec.signature_name](inputs=tf.constant(inputs))[
                "scores"
            ]
            assert np.isfinite(scores).all()
    assert sorted(asked) == sorted((name, size) for name in EXPORTED for size in (1, 8))


def test_one_task_is_smaller_than_all(exported, model, tmp_path):
    from t2t_mm.export import size

    one = export(model, tmp_path, ["mini_imagenet"], longest=20)
    assert size(one / "variables") < 0.9 * size(exported / "variables")


def test_what_was_not_exported_is_told(served):
    with pytest.raises(UserError, match="no signature mini_ende_score: .* again, with --scores"):
        served.score("mini_ende", "x", "y")
    with pytest.raises(UserError, match="no signature mini_ende_continue: .*, with --prefixes"):
        served.predict("mini_ende", "x", prefix="y")


def test_an_export_is_loaded_as_a_model_is(served, model, tmp_path):
    assert served.problems == EXPORTED
    mine, theirs = (
        each.predict("mini_ende", [*SENTENCES, ""], **extra)
        for each, extra in ((model, {"longest": 20}), (served, {}))
    )
    for answer, found in zip(mine[:3], theirs[:3], strict=True):
        assert found["outputs"] == answer["outputs"]
        assert found["score"] == pytest.approx(answer["score"], abs=1e-4)
    assert theirs[3] == {"error": "the text is empty"}
    pixels = RANDOM.integers(0, 255, (40, 70, 3), np.uint8)
    found, answer = (each.predict("mini_imagenet", pixels) for each in (served, model))
    assert found["label"] == answer["label"] and [name for name, _ in found["top"]] == [
        n for n, _ in answer["top"]
    ]
    (tmp_path / "a.wav").write_bytes(wav(sine(8000), 8000))
    samples, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")  # the same to the last bit
    answer = model.predict("mini_speech", tmp_path / "a.wav", longest=20)["outputs"]
    assert [
        each["outputs"] for each in served.predict("mini_speech", [samples, tmp_path / "a.wav"])
    ] == [answer] * 2
    many = served.predict("mini_imagenet", [pixels, np.zeros((0, 5, 3), np.uint8), *[pixels] * 40])
    assert "error" in many.pop(1) and [each["label"] for each in many] == [found["label"]] * 41
    with pytest.raises(UserError, match="serves .*mini_ende.*, not wmt_ende"):
        served.predict("wmt_ende", "x")


def test_the_command_line_tool_of_tensorflow_runs_it(beams):
    line = [
        sys.executable,
        "-c",
        "import tensorflow_text; from tensorflow.python.tools import "
        "saved_model_cli as cli; "
        "cli.main()",
        "run",
        f"--dir={beams}",
        "--tag_set=serve",
        "--signature_def=mini_ende",
        f"--input_exprs=inputs=[b'{SENTENCES[0]}']",
    ]
    done = subprocess.run(line, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0 and "Result for output key outputs" in done.stdout, done.stderr[
        -2000:
    ]
