import itertools
import json
import random

import keras
import numpy as np
import pytest
import tensorflow as tf

from t2t_mm.errors import UserError
from t2t_mm.modalities.language import vocabulary as text
from t2t_mm.modalities.language import vocabulary_training as training
from t2t_mm.modalities.language.byte_vocabulary import Bytes

LINES = [
    f"Der {a} Hund sieht die {b} Katze. The {a} dog sees the {b} cat, n'est-ce pas ?  é œ 日本 "
    f"{a}-{b}"
    for a in ("große", "kleine", "rote", "alte")
    for b in ("blaue", "junge", "schöne", "naïve")
]
AWKWARD = [
    "",
    " ",
    "  a  b  ",
    "\t",
    "\n",
    "\r\n",
    "a\nb\n\n",
    "\0",
    "a\0b",
    "\u2581",
    "\u2581\u2581a \u2581",
    "\u2585",
    "\x10",
    "\x10a",
    "\x10b",
    "\x10\x10ab\u2581",
    "<unk>",
    "</s>",
    "<pad>",
    "<0x41>",
    "\u2047",
    "\\1 \\0 $1 [a-z]*",
    "\ufeffx",
    "\ufffd",
    "\ufffe",
    "\u00a0",
    "e\u0301",
    "é",
    "ﬁ",
    "\u2028\x85\x1c\x0b\x0c",
    "\U0010ffff",
    "😀👨‍👩‍👧",
    "العربية",
    "große Katze 日本",
    "x" * 20_000,
]


@pytest.fixture(scope="module")
def subwords(tmp_path_factory):
    return training.train_subwords(LINES, tmp_path_factory.mktemp("vocab") / "small.model", 400)


@pytest.fixture(scope="module")
def characters(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocab") / "small.characters.model"
    return training.train_characters(LINES, path, 290, log=lambda line: None)


@pytest.fixture(scope="module", params=["subwords", "characters", "bytes"])
def vocabulary(request):
    """One for any text."""
    return Bytes() if request.param == "bytes" else request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def symbols(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocab") / "tags.symbols"
    return training.train_symbols(["(S NN )S", "(S NN NN )S é"], path)


def random_texts(n):
    rng = random.Random(0)
    ranges = [
        (0, 0x7F),
        (0, 0x2FF),
        (0x2000, 0x2600),
        (0xE000, 0x10FFFF),
        (0x2581, 0x2581),
        (16, 17),
    ]
    characters = iter(lambda: chr(rng.randint(*rng.choice(ranges))), None)
    return ["".join(itertools.islice(characters, rng.randrange(20))) for _ in range(n)]


def test_any_text_round_trips_in_python_and_in_graph(vocabulary):
    lines = AWKWARD + random_texts(500) + LINES
    ids = [vocabulary.encode_py(line) for line in lines]
    assert [vocabulary.decode_py(each) for each in ids] == lines
    assert min(min(each, default=3) for each in ids) > text.UNK
    in_graph = vocabulary.tokenize(tf.constant(lines))
    assert in_graph.dtype == tf.int32 and in_graph.to_list() == ids
    assert [line.decode() for line in vocabulary.detokenize(in_graph).numpy()] == lines
    for line in AWKWARD:
        in_graph = vocabulary.tokenize(tf.constant(line.encode()))
        assert in_graph.dtype == tf.int32 and in_graph.shape.rank == 1
        assert in_graph.numpy().tolist() == vocabulary.encode_py(line)
        assert vocabulary.detokenize(in_graph).numpy().decode() == line


def test_batches_and_graphs(vocabulary):
    lines = ["a dog", "", "\u2581 big\x10 Katze"]
    ragged = vocabulary.tokenize(tf.constant(lines))
    assert ragged.to_list() == [vocabulary.encode_py(line) for line in lines]
    padded = tf.concat([ragged, tf.fill([3, 1], text.EOS), tf.fill([3, 2], 77)], axis=1).to_tensor(
        text.PAD
    )
    for batch in (ragged, padded, tf.cast(padded, tf.int64)):
        assert [line.decode() for line in vocabulary.detokenize(batch).numpy()] == lines
    assert [vocabulary.decode_py(row) for row in padded.numpy()] == lines
    data = (
        tf.data.Dataset.from_tensor_slices(lines)
        .map(vocabulary.tokenize)
        .map(vocabulary.detokenize)
    )
    assert [line.decode() for line in data.as_numpy_iterator()] == lines


def test_a_vocabulary_first_used_inside_a_graph_works_after_it(tmp_path, symbols):
    fresh = training.train_subwords(LINES, tmp_path / "fresh.model", 300)
    data = tf.data.Dataset.from_tensors("dog").map(fresh.tokenize)
    expected = fresh.encode_py("dog")
    assert next(data.as_numpy_iterator()).tolist() == expected
    assert fresh.tokenize("dog").numpy().tolist() == expected


def test_seeding_tensorflow_does_not_take_the_tokeniser_away(subwords):
    before = subwords.tokenize("a red circle").numpy().tolist()
    lines = iter(tf.data.Dataset.from_tensors("a red circle").repeat().map(subwords.tokenize))
    assert next(lines).numpy().tolist() == before
    keras.utils.set_random_seed(7)
    assert subwords.tokenize("a red circle").numpy().tolist() == before
    assert next(lines).numpy().tolist() == before
    assert subwords.detokenize(before).numpy().decode() == "a red circle"


def test_text_that_is_no_unicode_does_not_crash(vocabulary):
    for broken in (b"\xff\xfe", b"a\xc3", b"\xed\xa0\x80x", b"ok\x80\0z"):
        ids = vocabulary.tokenize(broken)
        assert "\ufffd" in vocabulary.detokenize(ids).numpy().decode()
    assert "\ufffd" in vocabulary.decode_py(vocabulary.encode_py("a\ud800"))
    # ids that a model may write: lone bytes, unknown, padding in between, beyond the vocabulary
    ids = [3 + 0x80, text.UNK, text.PAD, 3 + 0xC3, *vocabulary.encode_py("dog")]
    assert vocabulary.decode_py(ids + [10**6]).endswith("dog")
    assert vocabulary.detokenize(ids).numpy().decode() == vocabulary.decode_py(ids)


@pytest.mark.parametrize("kind", ["subwords", "characters", "symbols", "bytes"])
def test_what_a_model_may_write_reads_the_same_in_python_and_in_graph(kind, request):
    vocabulary = Bytes() if kind == "bytes" else request.getfixturevalue(kind)
    rng = np.random.default_rng(0)
    ids = rng.integers(vocabulary.size, size=[400, 12])
    ids[:, 6:] = np.where(rng.random([400, 6]) < 0.1, text.EOS, ids[:, 6:])
    in_graph = [line.decode() for line in vocabulary.detokenize(ids).numpy()]
    assert in_graph == [vocabulary.decode_py(row) for row in ids]
    assert all(vocabulary.piece(i) for i in range(3, vocabulary.size))


@pytest.mark.parametrize("surrogate", ["\ud800", "a\udfff\ud800b", "\udc80é"])
def test_lone_surrogates_have_the_ids_of_their_bytes(vocabulary, surrogate):
    in_graph = vocabulary.tokenize(surrogate.encode("utf-8", "surrogatepass"))
    assert in_graph.numpy().tolist() == vocabulary.encode_py(surrogate)


def test_characters(tmp_path):
    said = []
    path = tmp_path / "de.characters.model"
    lines = [*LINES, "Ǆ"]  # 1 of some 1,200 characters
    found = training.train_characters(lines, path, 8192, ["here"], said.append)
    assert not said and len(found.encode_py("Ǆ große")) == 7
    assert [found.piece(i) for i in found.encode_py("ß é")] == ["ß", "▁", "é"]
    assert found.size == 3 + 256 + len(set("".join(lines)))
    assert json.loads(text.metadata_path(path).read_text()) == {
        "name": "de.characters",
        "size": found.size,
        "wanted": 8192,
        "units": "characters",
        "sha256": found.fingerprint,
        "sources": ["here"],
    }
    assert text.load(path).encode_py("Hund") == found.encode_py("Hund")
    again = training.train_characters(lines, tmp_path / "b.model", 8192, log=said.append)
    assert again.fingerprint == found.fingerprint
    few = training.train_characters(lines, tmp_path / "few.characters.model", 280, log=said.append)
    rarest = len(set("".join(lines))) - (280 - 259)
    assert few.size == 280 and said == [
        f"vocabulary few.characters: the {rarest} rarest of {rarest + 21} characters become bytes"
    ]
    assert few.decode_py(few.encode_py("Ǆ Yak")) == "Ǆ Yak"
    odd = training.train_characters([*lines, *AWKWARD], tmp_path / "odd.model", 8192, log=str)
    assert all(odd.decode_py(odd.encode_py(line)) == line for line in AWKWARD)


def test_bytes():
    vocabulary = Bytes()
    assert vocabulary.size == 259 and vocabulary.encode_py("aß\0") == [100, 198, 162, 3]
    assert [vocabulary.piece(i) for i in (1, 3, 35, 100, 198)] == [
        "</s>",
        "<0x00>",
        "▁",
        "a",
        "<0xC3>",
    ]
    assert vocabulary.decode_py([100, 198, 0, 100, text.UNK, 162, 1, 100]) == "a\ufffda\ufffd\ufffd"
    broken = b"a\xff\xc3"  # no text, but ids all the same
    assert vocabulary.tokenize(broken).numpy().tolist() == [100, 258, 198]


def test_sizes_and_record(tmp_path):
    said = []
    sources = []

    def lines():
        yield from LINES
        sources.append({"problem": "wmt_ende", "side": "inputs", "lines": len(LINES)})

    path = tmp_path / "new" / "words.model"
    vocabulary = training.train_subwords(lines(), path, 400, sources, said.append)
    assert vocabulary.size == 400 and not said
    record = json.loads(text.metadata_path(path).read_text())
    assert record == {
        "name": "words",
        "size": 400,
        "wanted": 400,
        "units": "subword",
        "sha256": vocabulary.fingerprint,
        "sources": sources,
    }
    assert text.load(path).fingerprint == vocabulary.fingerprint
    assert text.load(path) is text.load(str(path))
    assert sorted(p.name for p in path.parent.iterdir()) == ["words.json", "words.model"]

    small = training.train_subwords(["abab"], tmp_path / "tiny.model", 8192, log=said.append)
    assert 259 < small.size < 300 and str(small.size) in said[0]
    assert small.decode_py(small.encode_py("zebra")) == "zebra"
    # more characters than pieces: bytes carry the rest
    many = training.train_subwords(
        ["".join(map(chr, range(0x4E00, 0x5000)))], tmp_path / "many.model", 300
    )
    assert many.size <= 300 and many.decode_py(many.encode_py("一丁")) == "一丁"


def test_training_is_deterministic_and_takes_any_text(tmp_path):
    lines = [*LINES, *AWKWARD, "long " * 5000]
    first = training.train_subwords(iter(lines), tmp_path / "a.model", 350)
    second = training.train_subwords(lines, tmp_path / "b.model", 350)
    assert first.fingerprint == second.fingerprint
    assert (
        first.fingerprint
        != training.train_subwords(LINES[:8], tmp_path / "c.model", 350).fingerprint
    )


def test_sample_is_fair_and_repeatable():
    assert training.sample(range(5), 10) == [0, 1, 2, 3, 4]
    kept = training.sample(range(10_000), 1000)
    assert kept == training.sample(iter(range(10_000)), 1000) and len(set(kept)) == 1000
    assert abs(np.mean(kept) - 5000) < 300


def test_symbols(symbols, tmp_path):
    assert symbols.path.read_text() == "NN\n(S\n)S\né\n"
    assert symbols.size == 7
    assert symbols.encode_py("(S NN\t )S what é") == [4, 3, 5, text.UNK, 6]
    assert symbols.decode_py([4, 3, 2, 0, 5, 1, 3]) == "(S NN <unk> )S"
    assert text.load(symbols.path).encode_py("NN") == [3]
    said = []
    cut = training.train_symbols(["a a b b c"], tmp_path / "cut.symbols", 5, log=said.append)
    assert cut.encode_py("a b c") == [3, 4, 2]
    assert "1 rarest of 3" in said[0]


def test_symbols_in_graph(symbols):
    lines = ["(S NN )S", "", "NN\u00a0NN  what\x0b\x0c\x1cé é\n"]
    for line in lines:
        ids = symbols.encode_py(line)
        assert symbols.tokenize(line).numpy().tolist() == ids
        assert symbols.detokenize(symbols.tokenize(line)).numpy().decode() == symbols.decode_py(ids)
    ragged = symbols.tokenize(tf.constant(lines))
    assert ragged.to_list() == [symbols.encode_py(line) for line in lines]
    assert symbols.detokenize(ragged).numpy()[0] == b"(S NN )S"
    assert symbols.detokenize([[3, 1, 4], [0, 0, 0]]).numpy().tolist() == [b"NN", b""]
    data = tf.data.Dataset.from_tensor_slices(lines).map(symbols.tokenize)
    assert [ids.tolist() for ids in data.as_numpy_iterator()] == ragged.to_list()


def test_mistakes_are_named(tmp_path, subwords):
    with pytest.raises(UserError, match="No vocabulary at .*generate_data"):
        text.load(tmp_path / "none.model")
    with pytest.raises(UserError, match="empty.* has no text"):
        training.train_subwords(["", "\n", "\t"], tmp_path / "empty.model", 400)
    with pytest.raises(UserError, match="tags has no symbols"):
        training.train_symbols([" "], tmp_path / "tags.symbols")
    with pytest.raises(UserError, match="at least 261"):
        training.train_subwords(LINES, tmp_path / "x.model", 200)
    with pytest.raises(UserError, match="few.characters is to have 200 .* at least 261"):
        training.train_characters(LINES, tmp_path / "few.characters.model", 200)
    assert not list(tmp_path.iterdir())

    path = tmp_path / "a.model"
    training.train_subwords(LINES, path, 300)
    path.write_bytes(subwords.path.read_bytes())
    with pytest.raises(UserError, match="is not the vocabulary that .*a.json describes"):
        text.load(path)
    text.metadata_path(path).unlink()
    assert text.load(path).size == 400
    path.write_bytes(b"not a model")
    with pytest.raises(UserError, match="cannot be read as a vocabulary"):
        text.load(path)
