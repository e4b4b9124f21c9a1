import io
import pathlib

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image as Picture

from t2t_mm.errors import UserError
from t2t_mm.modalities.audio.spec import Audio
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.image.spec import Image
from t2t_mm.modalities.language.spec import Language
from t2t_mm.modalities.multi_label.spec import MultiLabel
from t2t_mm.modalities.nothing.spec import Nothing
from t2t_mm.modalities.real.spec import Real

TEXT = Language(vocab="words")
MOOD = Categorical(labels="mood")


@pytest.fixture
def generate(prepare):
    """Prepares a problem whose `generate` yields the pairs given for each split."""

    def run(pairs, inputs=TEXT, targets=MOOD, **problem):
        def read(split, raw_dir):
            return ({"inputs": a, "targets": b} for a, b in pairs.get(split, ()))

        return prepare("generated", inputs=inputs, targets=targets, **{"generate": read, **problem})

    return run


def rows(builder, split="train", **options):
    data = builder.as_dataset(split, **options).as_numpy_iterator()
    return sorted(((example["inputs"], example["targets"]) for example in data), key=str)


def test_class_names_are_sorted_and_numbered_over_all_splits(generate):
    train = [("so good", "glad"), ("oh no", "sad"), (b"\xc3\xa9", "glad")]
    builder = generate({"train": train, "test": [("hm", "bored")]})
    assert builder.info.features["targets"].names == ["bored", "glad", "sad"]
    assert rows(builder) == [(b"\xc3\xa9", 1), (b"oh no", 2), (b"so good", 1)]
    assert set(builder.info.splits) == {"train", "test"}


def test_class_numbers(generate):
    builder = generate({"train": [("a", 0), ("b", np.int64(4))]})
    assert builder.info.features["targets"].num_classes == 5 and rows(builder) == [
        (b"a", 0),
        (b"b", 4),
    ]
    seven = Categorical(labels="mood", num_classes=7)
    declared = generate({"train": [("a", 0)]}, targets=seven, name="declared")
    assert declared.info.features["targets"].num_classes == 7
    with pytest.raises(UserError, match="1 of 2 train examples are broken.*example 1"):
        generate({"train": [("a", 0), ("b", 7)]}, targets=seven, name="beyond")
    with pytest.raises(UserError, match="all names or all numbers"):
        generate({"train": [("a", 0), ("b", "sad")]}, name="mixed")


def test_a_reader_of_files(prepare, write, tmp_path):
    write("train.txt", "glad\tso good\nsad\toh no\n")

    def read(split, raw_dir):
        with open(f"{raw_dir}/{split}.txt") as file:
            for line in file:
                label, text = line.rstrip("\n").split("\t")
                yield {"inputs": text, "targets": label}

    builder = prepare("generated", inputs=TEXT, targets=MOOD, generate=read)
    assert rows(builder) == [(b"oh no", 1), (b"so good", 0)] and set(builder.info.splits) == {
        "train"
    }
    (tmp_path / "raw/train.txt").unlink()
    with pytest.raises(UserError, match="No training data.*generate"):
        prepare("generated", inputs=TEXT, targets=MOOD, generate=read, name="again")


def test_an_input_that_shows_nothing_is_broken(generate):
    with pytest.raises(UserError, match="its inputs: an empty text; .* has inputs = None"):
        generate({"train": [("", 0), (" ", 1)]})


def test_targets_alone_are_the_data_of_a_problem_without_inputs(prepare):
    texts = tf.data.Dataset.from_tensor_slices(["so good", "oh no"])
    for found in (texts, [{"targets": "so good"}, {"targets": "oh no"}]):
        name, data = f"of_{type(found).__name__.lower()}", {"train": found}
        sides = {"inputs": Nothing(), "targets": TEXT, "name": name}
        builder = prepare("generated", **sides, generate=lambda *_, data=data: data)
        stored = builder.as_dataset("train").as_numpy_iterator()
        assert sorted(stored, key=str) == [{"targets": b"oh no"}, {"targets": b"so good"}]


def test_images_and_sound(generate, tmp_path):
    shades = np.arange(8 * 6 * 3, dtype=np.uint8).reshape(8, 6, 3)
    png = io.BytesIO()
    Picture.fromarray(shades).save(png, "PNG")
    (tmp_path / "picture.png").write_bytes(png.getvalue())
    wave = np.linspace(-1, 1, 50).astype(np.float32)
    samples = (wave * 32767).astype(np.int16)
    pairs = [(shades, wave), (png.getvalue(), samples), (tmp_path / "picture.png", wave.tolist())]
    builder = generate({"train": pairs}, Image(), Audio(sample_rate=8000))
    raw = tfds.decode.SkipDecoding()
    for image, samples in rows(builder, decoders={"inputs": raw}):
        np.testing.assert_array_equal(tf.io.decode_image(image), shades)
        assert samples.dtype == np.int16
        np.testing.assert_allclose(samples, wave * 2.0**15, atol=2)
    assert builder.info.features["targets"].sample_rate == 8000


def test_wrong_values_are_named(generate):
    good = [("a", 0)] * 199
    builder = generate({"train": [*good, (b"\xff", 0)]})
    assert len(rows(builder)) == 199 and "example 199 (its inputs: 'utf-8' codec" in builder.said[0]
    with pytest.raises(UserError, match="2 of 2 train.*text expected, not int"):
        generate({"train": [(1, 0), (2, 0)]}, name="numbers")
    with pytest.raises(UserError, match="samples of one channel are expected"):
        generate({"train": [(np.zeros([4, 2]), 0)]}, inputs=Audio(), name="stereo")
    with pytest.raises(UserError, match='must yield {"inputs"'):
        generate({}, generate=lambda split, raw_dir: iter([("a", 0)]), name="tuples")
    with pytest.raises(UserError, match="No training data"):
        generate({}, name="nothing")


@pytest.mark.parametrize(
    "side, value, reason",
    [
        (Audio(), np.array([40_000, -3]), "beyond 16 bits"),
        (Audio(), np.array([0.1, np.nan]), "NaN or infinite"),
        (Audio(), np.zeros([0]), "no samples"),
        (Image(), np.zeros([4, 4, 3], np.float32), "float32"),
        (Image(), np.zeros([4, 4, 4], np.uint8), "4, 4, 4"),
        (Categorical(labels="mood", num_classes=3), -1, "from 0 to 2"),
        (Categorical(labels="mood"), [1, 2], "all names or all numbers"),
    ],
)
def test_what_does_not_fit_is_not_stored(generate, side, value, reason):
    with pytest.raises(UserError, match=reason):
        generate({"train": [("a", value)]}, targets=side)


def test_a_picture_that_was_repaired_is_read_again(generate, tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for path in paths:
        Picture.new("RGB", (4, 4)).save(path)
    good = paths[1].read_bytes()
    paths[1].write_bytes(b"no picture")
    pairs = {"train": [(str(path), "a") for path in paths]}
    with pytest.raises(UserError, match="example 1 .*Repair or remove them"):
        generate(pairs, inputs=Image())
    paths[1].write_bytes(good)
    assert len(rows(generate(pairs, inputs=Image()))) == 3


@pytest.mark.parametrize("label", ["", " sad", "a\nb"])
def test_names_that_no_file_keeps_are_refused(generate, label):
    with pytest.raises(UserError, match="can't be the name of a class"):
        generate({"train": [("a", "glad"), ("b", label)]})


def test_a_file_that_is_missing_is_named(generate):
    def read(split, raw_dir):
        yield from pathlib.Path("/nowhere/labels.txt").read_text()

    with pytest.raises(UserError, match="there is no /nowhere/labels.txt"):
        generate({}, generate=read)


def test_a_mistake_in_the_reader_is_not_hidden(generate):
    def read(split, raw_dir):
        yield {"inputs": "a", "targets": 0}
        raise KeyError("a bug of the user's")

    with pytest.raises(KeyError, match="a bug"):
        generate({}, generate=read, targets=Categorical(labels="mood", num_classes=2))


def test_a_file_that_is_missing_before_the_first_example_is_an_error(generate, write, tmp_path):
    write("train.txt", "a")
    write("validation.txt", "a")

    def read(split, raw_dir):
        open(f"{raw_dir}/{split}.txt").close()
        if split == "validation":
            open(f"{raw_dir}/lexicon.txt").close()
        yield {"inputs": "a", "targets": 0}

    with pytest.raises(UserError) as caught:
        generate({}, generate=read)
    for part in ("mine: ", 'generate("validation", raw_dir)', "raw/lexicon.txt", "yield nothing"):
        assert part in str(caught.value)

    def without_name(split, raw_dir):
        if split == "test":
            raise FileNotFoundError("no shelf is left")
        yield {"inputs": split, "targets": 0}

    with pytest.raises(UserError, match='generate."test", raw_dir. fails.*no shelf is left'):
        generate({}, generate=without_name, name="other")


def test_a_split_whose_own_file_is_missing_is_not_there_and_that_is_told(generate, write):
    write("train.txt", "a")

    def read(split, raw_dir):
        open(f"{raw_dir}/{split}.txt").close()
        yield {"inputs": split, "targets": 0}

    builder = generate({}, generate=read)
    assert list(builder.info.splits) == ["train"]
    assert [line[: line.index(":", 6)] for line in builder.said[:2]] == [
        "mine: no validation split",
        "mine: no test split",
    ]


def test_a_file_that_goes_missing_in_the_middle_is_told(generate):
    def read(split, raw_dir):
        yield {"inputs": split, "targets": 0}
        open("/nowhere/more.txt").close()

    seven = Categorical(labels="mood", num_classes=7)
    with pytest.raises(UserError, match="mine: generate.*there is no /nowhere/more.txt"):
        generate({}, generate=read, targets=seven)


@pytest.mark.parametrize(
    "generate_it, told",
    [
        (
            lambda split: iter([]),
            "called as generate.split, raw_dir., but its arguments are .split.",
        ),
        (lambda split, raw_dir: None, "must yield examples, but it returns 'None'"),
        (lambda split, raw_dir: "text", "must yield examples, but it returns 'text'"),
        (
            lambda split, raw_dir: [{"inputs": "a", "targets": 0, "speaker": "b"}],
            "no other keys, but yields .*'speaker': 'b'",
        ),
        (lambda split, raw_dir: [{"inputs": "a"}], "must yield .*, but yields .*'a'"),
    ],
)
def test_a_generate_that_is_none_is_told_with_its_name(generate, generate_it, told):
    with pytest.raises(UserError, match=f"mine: .*{told}"):
        generate({}, generate=generate_it)


@pytest.mark.parametrize(
    "inputs, targets, value, told",
    [
        (TEXT, MOOD, ("a", ["glad"]), "mine: in its targets, .*one for an example.*'glad'"),
        (TEXT, MOOD, ("a", 0.5), "mine: in its targets, .*not 0.5"),
        (TEXT, MOOD, ("a", True), "mine: in its targets, .*not True"),
        (TEXT, MOOD, ("a", None), "mine: in its targets, .*not None"),
        (
            TEXT,
            MOOD,
            (3.5, "glad"),
            r"mine in .*: 1 of 1 .*example 0 .its inputs: text .*not float: 3.5",
        ),
        (TEXT, MOOD, ("a", "\ufeffglad"), "begins or ends with a space or a byte order mark"),
        (
            TEXT,
            Categorical(labels="mood", num_classes=3),
            ("a", [1]),
            "mine: in its targets, .*not .1.",
        ),
    ],
)
def test_a_value_that_is_none_is_told_with_what_is_possible(generate, inputs, targets, value, told):
    with pytest.raises(UserError, match=told):
        generate({"train": [value]}, inputs=inputs, targets=targets)


def test_a_generate_that_ignores_the_split_is_told(generate):
    pairs = [(f"text {i}", i % 2) for i in range(30)]
    builder = generate({split: pairs for split in ("train", "validation", "test")})
    assert sum("30 of 30" in line for line in builder.said) == 3


def test_sets_of_labels_and_numbers_are_stored(generate):
    seen = MultiLabel(labels="seen")
    builder = generate({"train": [("a", ["x", "y"]), ("b", [])]}, targets=seen, name="sets")
    assert [(text, ids.tolist()) for text, ids in rows(builder)] == [(b"a", [0, 1]), (b"b", [])]
    two = Real(quantity="place", size=2)
    builder = generate({"train": [("a", [1.7e9 + 0.25, 2])]}, targets=two, name="numbers")
    assert rows(builder)[0][1].tolist() == [1.7e9 + 0.25, 2.0]


@pytest.mark.parametrize(
    "targets, value, reason",
    [
        (MultiLabel(labels="seen", num_classes=3), [1, 3], "class 3, where expected"),
        (MultiLabel(labels="seen", num_classes=3), 1, "a list of labels is expected"),
        (Real(quantity="place", size=2), [0.5, np.nan], "is not finite"),
        (Real(quantity="place", size=2), [0.5], "where expected: 2 numbers"),
    ],
)
def test_a_target_that_is_none_is_a_broken_example(generate, targets, value, reason):
    good = [0, 1] if targets.kind == "multi_label" else [0.0, 1.0]
    with pytest.raises(UserError, match=f"example 1.*its targets: .*{reason}"):
        generate({"train": [("a", good), ("b", value)]}, targets=targets)
