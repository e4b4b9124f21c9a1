"""Problems: a user's own in a few lines, resolving, reading, views of other problems, shared
nets."""

import copy

import pytest

from t2t_mm.config.hparams import HParams
from t2t_mm.data import prepare
from t2t_mm.data.pipeline import batching
from t2t_mm.data.pipeline.summary import describe
from t2t_mm.errors import UserError
from t2t_mm.modalities.audio.spec import Audio
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.image.spec import Image
from t2t_mm.modalities.language.spec import Language
from t2t_mm.problem.base import Problem, check_nets
from t2t_mm.problem.parsing import TreeProblem
from tests.problem.mood import Mood


class Reversi(Problem):
    """English to nglishEay."""

    name = "reversi"
    raw_layout = "parallel_text"
    input_key, target_key = "en", "ay"
    input_command, command = "to-english", "to-nglishEay"
    inputs = Language(vocab="reversi_en", size=270)
    targets = Language(vocab="reversi_ay", size=280)
    metrics = ("bleu",)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data directory with both problems prepared."""
    raw, data = tmp_path_factory.mktemp("raw"), tmp_path_factory.mktemp("data")
    (raw / "mood").mkdir()
    (raw / "reversi").mkdir()
    moods = [
        ("glad", f"what a fine day, number {i}") if i % 3 else ("sad", f"rain again, {i}")
        for i in range(60)
    ]
    texts = [f"the {word} cat number {i}" for i in range(40) for word in ("big", "old")]
    for split, part in {"train": slice(None), "validation": slice(5)}.items():
        (raw / "mood" / f"{split}.tsv").write_text(
            "".join(f"{label}\t{text}\n" for label, text in moods[part])
        )
        (raw / "reversi" / f"{split}.en").write_text("".join(f"{text}\n" for text in texts[part]))
        (raw / "reversi" / f"{split}.ay").write_text(
            "".join(f"{text[1:]}ay\n" for text in texts[part])
        )
    prepare.prepare([Mood(), Reversi()], data, raw, log=lambda line: None)
    return data


def ids(problem, side, value):
    import tensorflow as tf

    encode = problem.encode_inputs if side == "inputs" else problem.encode_targets
    return encode(tf.constant(value)).numpy().tolist()


def test_a_users_own_problem_needs_specs_and_a_reader(data):
    problem = Mood().resolve(data)
    assert problem.splits() == {"train": 60, "validation": 5}
    assert problem.targets == Categorical(labels="mood", num_classes=2, names=("glad", "sad"))
    assert (
        problem.decode_targets([1]) == "sad"
        and problem.description == "Whether a sentence is glad or sad."
    )
    for batch in batching.batches(problem, "validation", HParams(batch_size=64), training=False):
        for inputs, target in zip(batch["inputs"], batch["targets"], strict=True):
            told = problem.decode_targets(target.numpy())
            assert problem.inputs.decode(inputs.numpy()).startswith(
                "what a fine day" if told == "glad" else "rain"
            )


def test_resolving_leaves_the_problem_as_it_is_and_needs_no_raw_data(data):
    problem = Reversi()
    resolved = problem.resolve(data)
    assert problem.inputs.path == "" and resolved.inputs.path.endswith("reversi_en.model")
    assert resolved.inputs.size == resolved.inputs.vocabulary().size <= 270
    with pytest.raises(UserError, match="not resolved"):
        problem.splits()


def test_what_is_not_prepared_says_what_to_do(tmp_path, data):
    with pytest.raises(UserError, match="reversi is not prepared.*--generate_data"):
        Reversi().resolve(tmp_path)

    class NoVocabulary(Reversi):
        inputs = Language(vocab="absent")

    with pytest.raises(UserError, match="no vocabulary 'absent'.*--generate_data"):
        NoVocabulary().resolve(data)

    class WrongKey(Reversi):
        target_key = "fr"

    with pytest.raises(UserError, match="no feature 'fr', only"):
        WrongKey().resolve(data)


def test_examples_are_raw_and_read_no_more_than_asked_for(data):
    problem = Reversi().resolve(data)
    pairs = {
        (e["inputs"].decode(), e["targets"].decode())
        for e in problem.examples("train").as_numpy_iterator()
    }
    assert len(pairs) == 80 and all(ay == f"{en[1:]}ay" for en, ay in pairs)
    assert list(problem.examples("train", sides=("targets",)).element_spec) == ["targets"]
    with pytest.raises(UserError, match="no test examples.*only train, validation"):
        problem.examples("test")


def test_text_round_trips_and_ends(data):
    problem = Reversi().resolve(data)
    for text in ("the big cat", "  Ünïcode\t ▁ 猫 ", ""):
        encoded = ids(problem, "inputs", text)
        assert encoded[-1] == 1 and 1 not in encoded[:-1] and 0 not in encoded
        assert problem.inputs.decode(encoded + [0, 0]) == text


def test_reversed_swaps_everything(data):
    problem, other = Reversi().resolve(data), Reversi().reversed().resolve(data)
    assert (other.name, other.command, other.input_command) == (
        "reversi_rev",
        "to-english",
        "to-nglishEay",
    )
    assert (other.inputs, other.targets) == (problem.targets, problem.inputs)
    assert other.inputs.size != other.targets.size and other.splits() == problem.splits()
    swapped = [
        (e["targets"], e["inputs"]) for e in other.examples("validation").as_numpy_iterator()
    ]
    assert swapped == [
        (e["inputs"], e["targets"]) for e in problem.examples("validation").as_numpy_iterator()
    ]
    assert ids(other, "inputs", "he big catay") == ids(problem, "targets", "he big catay")
    assert other.decode_targets(ids(problem, "inputs", "the cat")) == "the cat"
    assert describe(other, HParams()).length == describe(problem, HParams()).positions


def test_copied_reads_its_inputs_twice(data):
    other = Reversi().copied().resolve(data)
    assert (other.name, other.command) == (
        "reversi_copy",
        "to-english",
    ) and other.inputs == other.targets
    assert all(e["inputs"] == e["targets"] for e in other.examples("train").as_numpy_iterator())
    again = Reversi().reversed().copied().resolve(data)
    assert again.command == "to-nglishEay" and again.inputs == Reversi().resolve(data).targets


def test_a_view_of_a_problem_keeps_what_is_not_its_sides(data):
    problem = Reversi().resolve(data)
    other = problem.reversed()
    assert other.original is problem and other.builder is problem.builder
    assert (other.folder, other.raw_layout) == ("reversi", "parallel_text")
    assert other.stored_side("inputs") == problem.stored_side("targets")
    with pytest.raises(AttributeError, match="no_such_thing"):
        other.no_such_thing  # noqa: B018

    class Translation(Reversi):
        inputs = targets = Language(vocab="reversi_en", size=270)

    copied, smaller = Translation().copied(), Language(vocab="reversi_en", size=99)
    changed = copied.with_sides(smaller, smaller)
    assert (changed.inputs, changed.targets) == (smaller, smaller) == (changed.base.inputs,) * 2
    assert changed.metrics == copied.metrics == ("bleu",)
    assert copied.inputs.size == 270


def test_hooks_of_a_problem_serve_the_sides_they_were_written_for(data):
    class Loud(Reversi):
        def preprocess(self, value):
            return value + b" please"

        def encode_inputs(self, value, training=False, seed=None):
            return "its inputs"

        def postprocess(self, text, source):
            return text.upper()

    loud = Loud()
    assert loud.postprocess("a", None) == "A" and loud.preprocess(b"a") == b"a please"
    assert loud.reversed().preprocess(b"a") == b"a"
    assert loud.copied().preprocess(b"a") == b"a please"
    assert loud.reversed().encode_targets(b"a") == "its inputs"
    assert loud.copied().encode_targets(b"a") == loud.copied().encode_inputs(b"a") == "its inputs"
    assert loud.reversed().postprocess("a", "b") == loud.copied().postprocess("a", "b") == "a"


def test_modifiers_that_make_no_sense_are_refused():
    with pytest.raises(UserError, match="mood_rev is not possible"):
        Mood().reversed()
    assert Mood().copied().command == "to-mood-inputs"
    assert not Mood().copied().metrics and not Reversi().reversed().metrics

    class Fixed(Reversi):
        modifiers = ("copy",)

    with pytest.raises(UserError, match="does not allow _rev, only _copy"):
        Fixed().reversed()


def test_hparams_set_the_size_of_pictures_and_the_vocabulary_of_trees():
    class Pictures(Problem):
        """Pictures."""

        inputs, targets = Image(size=299), Categorical(labels="x", num_classes=2)

    assert Pictures().configure(HParams(image_size=48)).inputs.size == 48
    assert Pictures().configure(HParams(image_size=512)).inputs.size == 299
    assert Pictures().configure(HParams()).inputs.size == 299

    class Trees(TreeProblem):
        """Trees."""

        inputs, targets = Language(vocab="words"), Language(vocab="tags", units="symbols")

    assert Trees().configure(HParams()).targets == Trees.targets
    assert Trees().configure(HParams(parse_vocab="shared")).targets == Trees.inputs


def test_a_treebank_needs_specs_alone(tmp_path):
    class GumParse(TreeProblem):
        """English constituency parsing on the GUM corpus (CC BY 4.0)."""

        name = "gum_parse"
        dataset = "bracketed_trees"
        inputs = Language(vocab="words", size=270)
        targets = Language(vocab="tags", units="symbols")

    (tmp_path / "gum_parse").mkdir()
    (tmp_path / "gum_parse/train.mrg").write_text("(ROOT (NP-SBJ (DT The) (NN dog)))\n" * 5)
    prepare.prepare([GumParse()], tmp_path, tmp_path, log=lambda line: None)
    (example, *_) = GumParse().resolve(tmp_path).examples("train").as_numpy_iterator()
    assert example == {"inputs": b"The dog", "targets": b"(ROOT (NP DT NN )NP )ROOT"}
    with pytest.raises(UserError, match="no folder .*gum_parse. It should hold bracketed trees"):
        prepare.prepare([GumParse()], tmp_path / "else", tmp_path / "gum_parse")


def test_trees_are_put_over_the_words_and_drawn():
    import tensorflow as tf

    class Trees(TreeProblem):
        """Trees."""

        name = "trees"
        inputs, targets = Language(vocab="words"), Language(vocab="tags", units="symbols")

    problem, symbols = Trees(), "(NP DT NN )NP"
    assert problem.postprocess(symbols, "a dog") == "(NP (DT a) (NN dog))"
    assert problem.postprocess(symbols, None) == symbols
    assert problem.describe_target(symbols, "a dog") == [
        "tree:",
        "  NP",
        "  ├─DT a",
        "  └─NN dog",
    ]
    assert problem.describe_target(symbols, None) == []
    assert problem.rewrites_outputs
    found = problem.postprocess_in_graph(tf.constant([symbols]), tf.constant(["a dog"]))
    assert found.numpy().tolist() == [b"(NP (DT a) (NN dog))"]
    for view in (problem.reversed(), problem.copied()):
        assert not view.rewrites_outputs and view.describe_target("a dog", symbols) == []
        assert view.postprocess("a dog", symbols) == "a dog"


def test_equal_specs_are_equal_whatever_does_not_change_the_net():
    assert Image(size=64, flip=False) == Image(size=299) != Image(channels=1)
    assert Language(vocab="a", path="x") == Language(vocab="a") != Language(vocab="b")
    specs = [
        Image(),
        Image(channels=1),
        Language(vocab="a"),
        Language(vocab="b"),
        Categorical(labels="a"),
        Audio(),
        Audio(bins=40),
        Audio(form="waveform"),
        Audio(sample_rate=8000),
        Audio(time_stride=4),
    ]
    assert len({spec.net_name() for spec in specs}) == len(specs)


def test_two_nets_of_one_name_are_an_error(data):
    mood = Mood().resolve(data)

    class Others(Mood):
        name = "others"

    others = Others()
    others.targets = Categorical(labels="mood", num_classes=3)
    check_nets([mood, Reversi().resolve(data)])
    with pytest.raises(
        UserError, match="mood and others both name the net categorical_mood, but differ"
    ):
        check_nets([mood, others])


def test_data_that_was_prepared_for_another_class(data):
    class Mood2(Mood):
        targets = Language(vocab="mood", size=300)

    with pytest.raises(
        UserError, match="mood: 'targets' in .*mood.* is not language.*--generate_data=again"
    ):
        Mood2().resolve(data)


def test_declared_sizes_are_checked_against_the_data():
    class Stored:
        num_classes, names, sample_rate = 4, ["a", "b", "c", "d"], 8000

    with pytest.raises(UserError, match="declared with 3 classes, but its data has 4"):
        Categorical(labels="x", num_classes=3).resolve("", Stored())
    with pytest.raises(UserError, match="neither in its data nor given"):
        Categorical(labels="x").resolve("", object())
    with pytest.raises(UserError, match="Declare Audio.sample_rate=8000"):
        Audio().resolve("", Stored())
    assert Audio(sample_rate=8000).resolve("", Stored()) == Audio(sample_rate=8000)


def test_training_on_the_first_examples_leaves_the_other_splits_and_the_specs(data):
    whole = Reversi().resolve(data)
    limited = whole.first(7)
    seen = lambda problem, split, seed=None: [  # noqa: E731
        example["inputs"]
        for example in problem.examples(split, shuffle_seed=seed).as_numpy_iterator()
    ]
    some = seen(limited, "train")
    assert len(set(some)) == 7 and set(some) <= set(seen(whole, "train"))
    assert sorted(seen(limited, "train", seed=3)) == sorted(some)
    assert set(seen(whole.first(3), "train")) <= set(some)
    assert seen(limited, "validation") == seen(whole, "validation")
    assert limited.splits() == whole.splits() | {"train": 7}
    assert (limited.inputs, limited.targets) == (whole.inputs, whole.targets)
    assert len(seen(whole.first(10**6), "train")) == whole.splits()["train"]
    assert len(seen(whole.reversed().first(7), "train")) == 7
    joined = copy.copy(whole)
    joined.stored_splits = lambda: {"train": "train+validation"}
    for count in (7, whole.splits()["train"] + 2):
        assert len(seen(joined.first(count), "train")) == count
