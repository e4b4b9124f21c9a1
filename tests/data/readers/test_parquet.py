import functools
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from PIL import Image as Picture

from t2t_mm.errors import UserError
from t2t_mm.modalities.audio.spec import Audio
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.image.spec import Image
from t2t_mm.modalities.language.spec import Language

MOOD = {
    "inputs": Language(vocab="words"),
    "targets": Categorical(labels="mood"),
    "input_key": "text",
    "target_key": "label",
}
TEXTS = [f"text {i}" for i in range(250)]


@pytest.fixture
def table(prepare):
    return functools.partial(prepare, "parquet", **MOOD)


@pytest.fixture
def store(tmp_path):
    """Writes columns to a file under tmp_path/raw."""

    def run(name, columns, **metadata):
        path = tmp_path / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        written = pa.table(columns)
        pq.write_table(written.replace_schema_metadata(metadata), path)
        return path

    return run


def rows(builder, split="train"):
    return sorted(tuple(e.values()) for e in builder.as_dataset(split).as_numpy_iterator())


def test_columns_of_one_file_and_of_several(table, store):
    store("train/0.parquet", {"text": TEXTS, "label": [i % 2 for i in range(250)], "id": TEXTS})
    store("train/1.parquet", {"label": [1, None], "text": ["last", "no label"]})
    store("test.parquet", {"text": ["x", ""], "label": [0, 1]})
    builder = table()
    found = rows(builder)
    assert len(found) == 251 and (1, b"last") in found and (0, b"text 8") in found
    assert rows(builder, "test") == [(0, b"x")]
    assert builder.said[0] == "mine: train: left out 1 rows with an empty cell"


def test_names_of_classes_that_hugging_face_writes(table, store):
    names = {
        "label": {"names": ["sad", "glad"], "_type": "ClassLabel"},
        "text": {"dtype": "string"},
    }
    told = json.dumps({"info": {"features": names}})
    store("train.parquet", {"text": ["a", "b", "c"], "label": [1, 0, -1]}, huggingface=told)
    builder = table()
    assert builder.info.features["label"].names == ["glad", "sad"]
    assert rows(builder) == [(0, b"a"), (1, b"b")]
    store("train.parquet", {"text": ["a"], "label": [1]}, huggingface="[" * 100_000)
    assert table(name="other").info.features["label"].num_classes == 2


def test_pictures_and_sounds_as_content_and_as_paths(prepare, store, write, tmp_path):
    png, wav = io.BytesIO(), io.BytesIO()
    Picture.new("RGB", (8, 8), "red").save(png, "PNG")
    soundfile.write(wav, np.sin(np.arange(1600.0)) / 2, 16000, format="WAV")
    cells = []
    for name, content in (("a.png", png.getvalue()), ("a.wav", wav.getvalue())):
        write(name, content)
        inside, outside = {"bytes": content, "path": "gone"}, {"bytes": None, "path": name}
        cells.append([inside, outside, {"bytes": None, "path": None}])
    store("train.parquet", {"picture": cells[0], "sound": cells[1]})
    sides = {"inputs": Image(size=8), "targets": Audio(sample_rate=8000)}
    builder = prepare("parquet", **sides, input_key="picture", target_key="sound")
    found = list(builder.as_dataset("train").as_numpy_iterator())
    assert [each["picture"][0, 0].tolist() for each in found] == [[255, 0, 0]] * 2
    assert [each["sound"].shape for each in found] == [(800,)] * 2
    assert "left out 1 rows with an empty cell" in builder.said[0]


def test_text_that_is_not_utf_8_is_a_broken_example(table, store):
    texts = pa.array([b"\xff", *(each.encode() for each in TEXTS)])
    texts = pa.StringArray.from_buffers(len(texts), *texts.buffers()[1:])
    store("train.parquet", {"text": texts, "label": ["glad"] * 251})
    builder = table()
    assert len(rows(builder)) == 250
    assert builder.said[0].startswith("mine: train: left out 1 broken: train.parquet:1 ('utf-8'")


def test_a_broken_file_is_named(table, store, write):
    path = store("train.parquet", {"text": TEXTS, "label": ["glad"] * 250})
    with pytest.raises(UserError, match="train.parquet has no column 'mood', only 'text', 'label'"):
        table(target_key="mood")
    content = path.read_bytes()
    for damaged in (content[:-9], b"", b"PAR1" + bytes(50) + content[-200:]):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=f"{path} cannot be read: "):
            table()
