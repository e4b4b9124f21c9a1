"""Characters and bytes, from a user's file to an export."""

import json
from types import SimpleNamespace

import pytest
import tensorflow as tf

import t2t_mm
from t2t_mm import registry
from t2t_mm.config.run import RunConfig
from t2t_mm.data import prepare, vocabularies
from t2t_mm.errors import UserError
from t2t_mm.export import export
from t2t_mm.modalities.language.spec import Language
from t2t_mm.modalities.language.vocabulary import EOS
from t2t_mm.modalities.recorded import restored
from t2t_mm.reporting.console import Silent
from t2t_mm.training.trainer import Trainer
from tests.toys import SMALL

PROBLEMS = '''
import tensorflow as tf
from t2t_mm import Language, Problem, registry

CHARACTERS = Language(vocab="letters", units="characters", size=300)
BYTES = Language(vocab="letters_as_bytes", units="bytes")

class Words(Problem):
    rewrites_outputs = True

    def generate(self, split, raw_dir):
        for i in range({"train": 30, "validation": 5}.get(split, 0)):
            yield {"inputs": f"{split} größe {i}", "targets": f"{i} naïve Füße"}

    def postprocess(self, text, source):
        return f"[{text}]"

    def postprocess_in_graph(self, texts, sources):
        return tf.strings.join(["[", texts, "]"])

@registry.register_problem
class ToBytes(Words):
    """Characters to bytes."""
    command = "to-bytes"
    inputs, targets = CHARACTERS, BYTES

@registry.register_problem
class ToCharacters(Words):
    """Bytes to characters."""
    command = "to-characters"
    inputs, targets = BYTES, CHARACTERS
'''
HPARAMS = SMALL
UNREADABLE = ["\ud800", "", "y" * 600_000]
ODD = ["größe 3", "日本 😀 \u2581 e\u0301", "a\0b", "\ufeffx\x10", "x" * 300, *UNREADABLE]
LONGEST = 8


def test_a_users_problems_are_trained_resumed_decoded_exported_and_loaded(tmp_path, apart):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/words.py").write_text(PROBLEMS)
    registry.load_directory(str(tmp_path / "mine"))
    said, problems = [], [registry.problem(name) for name in ("to_bytes", "to_characters")]
    prepare.prepare(problems, tmp_path / "data", log=said.append)
    told = [line for line in said if line.startswith("vocabulary ")]
    assert len(told) == 1 and "characters and bytes from 30 lines of to_bytes inputs" in told[0]
    problems = prepare.resolve(problems, tmp_path / "data", HPARAMS)
    config = RunConfig(train_steps=2, mode="train", model="transformer")

    def trainer():
        return Trainer(problems, HPARAMS, config, tmp_path / "run", console=Silent())

    trainer().train()
    kept = sorted(path.name for path in (tmp_path / "run/vocabs").iterdir())
    assert kept == ["letters.characters.json", "letters.characters.model"]
    again = trainer()
    again.resume()
    assert again.step == 2

    model = t2t_mm.load(tmp_path / "run")
    assert sorted(model.model.nets) == ["language_letters", "language_letters_as_bytes"]
    served = t2t_mm.load(export(model, tmp_path / "export", longest=LONGEST))
    for name in model.problems:
        ours, theirs = model.predict(name, ODD, longest=LONGEST), served.predict(name, ODD)
        for text, one, other in zip(ODD, ours, theirs, strict=True):
            assert ("error" in one) == ("error" in other) == (text in UNREADABLE)
            assert one.get("outputs") == other.get("outputs")
            assert "error" in one or one["outputs"][0] + one["outputs"][-1] == "[]"
        json.dumps(ours).encode()


def resolved(units, folder, lines=("größe",)):
    """A resolved spec, of a vocabulary learnt from these lines."""
    spec = Language(vocab="de", units=units)
    if wanted := spec.vocabulary_of():
        vocabularies.TRAINERS[units](lines, wanted.vocab_path(folder), 300, log=str)
    return spec.resolve(folder)


@pytest.mark.parametrize("units", ["subword", "characters", "bytes", "symbols"])
def test_a_spec_is_recorded_and_restored(units, tmp_path):
    spec = resolved(units, tmp_path)
    assert spec.size == spec.vocabulary().size
    record = spec.record()
    again = restored(json.loads(json.dumps(record)), tmp_path)
    assert again == spec and again.path == spec.path and again.record() == record
    assert spec.means_the_same(record)
    for other in {"subword", "characters", "bytes", "symbols"} - {units}:
        assert not spec.means_the_same(Language(vocab="de", units=other).record())
    assert Language.from_description(spec.described()).read("größe") == "größe".encode()
    assert all(asset.is_file() for asset in spec.assets()) and bool(spec.assets()) == bool(
        spec.vocabulary_of()
    )
    assert spec.encode("größe").numpy().tolist() == [*spec.vocabulary().encode_py("größe"), 1]
    assert spec.describe("größe")[0] == "größe" and len(spec.describe("größe")) == 2
    assert len(spec.position_labels(spec.encode("größe"))) == len(spec.encode("größe"))


def test_subwords_and_characters_of_one_name_lie_side_by_side(tmp_path):
    specs = [resolved(units, tmp_path) for units in ("subword", "characters", "subword")]
    assert specs[0] == specs[2] != specs[1]
    assert len({spec.path for spec in specs}) == 2


def test_other_characters_of_the_same_number_are_another_vocabulary(tmp_path):
    ours, theirs = (resolved("characters", tmp_path / name, [f"gr{name}ße"]) for name in ("o", "ö"))
    assert ours.size == theirs.size and not ours.means_the_same(theirs.record())


@pytest.mark.parametrize(
    "spec", [Language(vocab="de", units="characters", size=200), Language(vocab="de", size=200)]
)
def test_a_size_without_room_is_refused_before_data_is_made(spec, tmp_path):
    problem = SimpleNamespace(name="any", inputs=spec, targets=spec)
    with pytest.raises(UserError, match="de is to have 200 pieces, .* at least 261"):
        vocabularies.check([problem], tmp_path)


def test_characters_that_were_not_learnt_say_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"no vocabulary 'de' at .*de.characters.model. Run with"):
        Language(vocab="de", units="characters").resolve(tmp_path)
    with pytest.raises(UserError, match='one of "subword", "characters", "bytes", "symbols", not'):
        Language(vocab="de", units="byte")


@pytest.mark.parametrize("units", ["subword", "characters", "bytes", "symbols"])
def test_given_targets_are_the_same_ids_in_graph(units, tmp_path):
    spec = resolved(units, tmp_path)
    texts = ["größe", "", "\ufeffx", "日本 😀 \u2581", "a\0b", "größe  größe"]
    sent = [text.encode() for text in texts]
    found = spec.given_in_graph(tf.constant([*sent, b"\xff", b"y" * 600_000])).to_list()
    assert found == [*(spec.given(text) for text in texts), [], []]
    assert all(ids[-1] == EOS for ids in found[:-2])
    for wrong in ("\ud800", "y" * 600_000, 3, b"x", None):
        with pytest.raises(UserError):
            spec.given(wrong)
    assert len(spec.pieces()) == spec.size and spec.pieces()[EOS] == "</s>"
