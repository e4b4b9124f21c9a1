"""Growing a trained model: what it knows of pieces and classes is found by their names."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.language.spec import Language
from t2t_mm.modalities.multi_label.spec import MultiLabel
from t2t_mm.runs.names import named_variables
from t2t_mm.training.trainer import Trainer
from tests.simplest import simplest
from tests.toys import TINY, Logged, Toy, without_work

WORDS = ["ask", "bid", "cut", "dry", "eat", "fly", "get", "hop", "ink", "jog"]
SPECIAL = 3  # ids before the first word


def problem(inputs, targets, name="toy_copy"):
    one = Toy(name)
    one.inputs, one.targets = inputs, targets
    return one


def trainer(one, output=None, start="", seed=1, hparams=TINY):
    console = Logged()
    config = RunConfig(train_steps=1, mode="train", seed=seed, model=simplest())
    config = config.replace(warm_start_from=str(start))
    made = Trainer([one], hparams, config, output, console=console)
    made.resume()
    return made, console.lines


@pytest.fixture
def grown(tmp_path):
    """From a problem to the trainer of another that starts from its weights: (parent, child, what
    it logs)."""

    def grow(old, new):
        parent, _ = trainer(old, tmp_path / "run")
        without_work(parent).train()
        child, lines = trainer(new, start=tmp_path / "run", seed=2)
        return parent.model, child.model, lines

    return grow


def logits(model, inputs, targets):
    """Of a batch of one, [length, classes]."""
    batch = {"inputs": tf.constant([inputs]), "targets": tf.constant([targets])}
    batch |= {f"{side}_mask": tf.ones(value.shape[:2], tf.bool) for side, value in batch.items()}
    return model(batch, problem="toy_copy")["logits"][0].numpy()


NUMBERS = Language(vocab="numbers", size=12)
OLD = ("apple", "beech", "cedar", "date")
GROWN = ("apple", "beech", "birch", "cedar", "date")
CASES = {
    "one more": (Categorical, GROWN, "4 rows kept, 1 new, 0 of"),
    "one more of a set": (MultiLabel, GROWN, "4 rows kept, 1 new, 0 of"),
    "another order": (Categorical, ("date", "cedar", "beech", "apple"), "4 rows kept, 0 new, 0 of"),
    "fewer": (Categorical, ("beech", "date"), "2 rows kept, 0 new, 2 of"),
    "others": (Categorical, ("elm", "fir", "beech", "ginkgo"), "1 rows kept, 3 new, 3 of"),
}


@pytest.mark.parametrize("kind, names, said", CASES.values(), ids=CASES)
def test_classes_of_the_same_name_keep_what_was_learnt(kind, names, said, grown):
    old, new = (kind(labels="trees", num_classes=len(n), names=n) for n in (OLD, names))
    parent, child, lines = grown(problem(NUMBERS, old), problem(NUMBERS, new))
    assert f"nets/{new.net_name()}: {said} the old dropped." in lines
    target = np.zeros([1, 4], np.float32) if kind is MultiLabel else [0]
    before, after = (logits(each, [3, 4, 5], target)[0] for each in (parent, child))
    for number, name in enumerate(names):
        if name in OLD:
            assert after[number] == pytest.approx(before[OLD.index(name)], abs=1e-5)


def test_new_rows_have_the_initial_values(grown):
    names = (*OLD, "elm")
    spec = Categorical(labels="trees", num_classes=5, names=names)
    wanted, _ = trainer(problem(NUMBERS, spec), seed=2)
    old = Categorical(labels="trees", num_classes=4, names=OLD)
    _, child, lines = grown(problem(NUMBERS, old), problem(NUMBERS, spec))
    kernel = "nets/categorical_trees/kernel"
    fresh, now = (named_variables(each)[kernel].numpy() for each in (wanted.model, child))
    np.testing.assert_array_equal(now[:, 4], fresh[:, 4])
    assert not (now[:, :4] == fresh[:, :4]).any()
    assert lines[1].endswith(f"newly initialised: nets/categorical_trees ({len(now) + 1}).")


def test_numbered_classes_keep_their_numbers(grown):
    old, new = (Categorical(labels="digits", num_classes=n) for n in (8, 10))
    parent, child, lines = grown(problem(NUMBERS, old), problem(NUMBERS, new))
    assert "nets/categorical_digits: 8 rows kept, 2 new, 0 of the old dropped." in lines
    before, after = (logits(each, [3, 4, 5], [0])[0] for each in (parent, child))
    np.testing.assert_allclose(after[:8], before, atol=1e-5)


def vocabulary(folder, words):
    """A vocabulary of symbols, resolved."""
    spec = Language(vocab="words", units="symbols")
    path = spec.vocab_path(folder)
    path.parent.mkdir(parents=True)
    path.write_text("".join(f"{word}\n" for word in words))
    return spec.resolve(folder)


@pytest.mark.parametrize("shared", [True, False])
def test_pieces_of_a_vocabulary_that_has_grown_keep_what_was_learnt(shared, grown, tmp_path):
    words = ["zoo", *reversed(WORDS[:-1]), "yes", "</s>"]  # the last is no end of sequence
    old, new = vocabulary(tmp_path / "old", WORDS), vocabulary(tmp_path / "new", words)
    hparams = TINY.replace(share_embeddings=shared)
    parent, _ = trainer(problem(old, old), tmp_path / "run", hparams=hparams)
    without_work(parent).train()
    child, lines = trainer(problem(new, new), start=tmp_path / "run", seed=2, hparams=hparams)
    assert "nets/language_words: 12 rows kept, 3 new, 1 of the old dropped." in lines
    ids = [SPECIAL + np.array([each.index(word) for word in WORDS[:-1]]) for each in (WORDS, words)]
    before, after = (
        logits(each.model, own, own) for each, own in zip((parent, child), ids, strict=True)
    )
    kept = [[*range(SPECIAL), *own] for own in ids]
    np.testing.assert_allclose(after[:, kept[1]], before[:, kept[0]], atol=1e-5)


def test_a_run_whose_vocabulary_is_gone_is_told_and_its_net_starts_anew(tmp_path):
    old, new = vocabulary(tmp_path / "old", WORDS), vocabulary(tmp_path / "new", WORDS[::-1])
    parent, _ = trainer(problem(old, old), tmp_path / "run")
    without_work(parent).train()
    for path in (tmp_path / "run/vocabs").iterdir():
        path.unlink()
    _, lines = trainer(problem(new, new), start=tmp_path / "run")
    assert lines[0].startswith(
        "The rows of nets/language_words can't be told apart: The vocabulary"
    )
    assert lines[2].endswith("newly initialised: nets/language_words (208).")
    _, lines = trainer(problem(old, old), start=tmp_path / "run")  # nothing has to be told apart
    assert "loaded commands" in lines[0] and "nets/language_words (208)" in lines[0]


@dataclasses.dataclass(frozen=True)
class Nameless(Categorical):
    """Classes whose rows have no names."""

    def row_names(self):
        return {}


@dataclasses.dataclass(frozen=True)
class Misnamed(Nameless):
    """A modality that has another idea of its net."""

    def row_names(self):
        return MISNAMED[self.labels]


MISNAMED = {"rows": {"kernel": (0, list(OLD))}, "variables": {"kernal": (1, list(OLD))}}


def test_a_changed_net_without_names_of_rows_starts_anew(grown):
    old, new = (Nameless(labels="trees", num_classes=4, names=names) for names in (OLD, OLD[::-1]))
    parent, child, lines = grown(problem(NUMBERS, old), problem(NUMBERS, new))
    assert not any("rows kept" in line for line in lines)
    assert "nets/nameless_trees" in lines[1] and "nets/nameless_trees" not in lines[0]
    before, after = (named_variables(each) for each in (parent, child))
    name = "nets/nameless_trees/res/step1/pointwise"
    assert not np.array_equal(before[name].numpy(), after[name].numpy())


@pytest.mark.parametrize(
    "labels, message",
    [
        (
            "rows",
            r"kernel has the shape \[32, 4\], but its modality's row_names has 4 names",
        ),
        ("variables", "_variables has no variable kernal, though its modality's row_names"),
    ],
)
def test_names_of_rows_that_are_not_there_are_one_clear_line(labels, message, grown):
    old, new = (Misnamed(labels=labels, num_classes=4, names=names) for names in (OLD, OLD[::-1]))
    with pytest.raises(UserError, match=message):
        grown(problem(NUMBERS, old), problem(NUMBERS, new))


def test_a_net_of_another_size_is_newly_initialised(tmp_path):
    old, new = (
        Categorical(labels="trees", num_classes=len(names), names=names) for names in (OLD, OLD[1:])
    )
    parent, _ = trainer(problem(NUMBERS, old), tmp_path)
    without_work(parent).train()
    record = json.loads((tmp_path / "problems.json").read_text())
    assert record["problems"]["toy_copy"]["targets"]["names"] == list(OLD)
    wide = TINY.replace(hidden_size=32)
    _, lines = trainer(problem(NUMBERS, new), start=tmp_path, hparams=wide)
    assert "nets/" not in lines[0] and "nets/categorical_trees" in lines[1]
    assert not any("rows kept" in line for line in lines)
