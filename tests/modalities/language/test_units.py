"""Characters and bytes as the units of a vocabulary."""

import json
from types import SimpleNamespace

import pytest
import tensorflow as tf

from t2t_mm.data import vocabularies
from t2t_mm.errors import UserError
from t2t_mm.modalities.language.spec import Language
from t2t_mm.modalities.language.vocabulary import EOS
from t2t_mm.modalities.recorded import restored


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
