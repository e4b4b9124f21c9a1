"""What is damaged: a trained run, its data and its export (the golden files of the newest version),
and a small raw folder of each layout."""

import csv
import io
import json
import shutil
import wave
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "golden"
TREE = "(ROOT (S (NP (DT The) (NN ring)) (VP (VBZ is) (ADJP (JJ red))) (. .)))"
# The problems that read the raw folders.
LAYOUTS = ("wmt_ende", "imagenet", "coco_captions", "wsj_speech", "wsj_parse")
TABLES = ("csv", "tsv", "jsonl", "parquet")


def make(place: Path) -> None:
    """Makes run/, data/, export/, inputs/ and raw/ in a folder."""
    version = max(GOLDEN.glob("v*"), key=lambda path: path.stat().st_mtime)
    for archive in version.glob("*.tar.xz"):
        shutil.unpack_archive(archive, place)
    (place / "inputs").symlink_to(version / "inputs")
    # which that version did not write
    options = {"problems": "mini_ende", "data_dir": "data", "train_steps": 376}
    _write(place / "run" / "run.json", json.dumps(options).encode())
    status = {"state": "ended", "step": 376, "reason": "finished"}
    _write(place / "run" / "status.json", json.dumps(status).encode())
    metrics = json.loads((place / "run" / "metrics_validation.json").read_bytes())
    line = json.dumps({"split": "validation", "units": {}} | metrics)
    _write(place / "run" / "metrics.jsonl", f'{line}\n{{"resumed": 300}}\n{line}\n'.encode())
    raw = place / "raw"
    for split, count in (("train", 6), ("validation", 2)):
        for language in ("en", "de"):
            lines = (f"{language} {i} of {split}\n" for i in range(count))
            _write(raw / "wmt_ende" / f"{split}.{language}", "".join(lines).encode())
        for i in range(count):
            name = f"imagenet/{split}/class {i % 2}/{i}.{'png' if i % 2 else 'jpg'}"
            _write(raw / name, picture(i, name[-3:]))
        trees = f"{TREE}\n" * count
        _write(raw / "wsj_parse" / f"{split}.mrg", trees.encode())
        _kaldi(raw / "wsj_speech" / split, count)
        _tables(raw, split, count)
    for name, count in (("train2017", 4), ("val2017", 2)):
        _coco(raw / "coco_captions", name, count)


def picture(seed: int, form: str) -> bytes:
    """A small encoded picture."""
    import numpy as np
    from PIL import Image

    pixels = np.random.default_rng(seed).integers(0, 255, (20, 24, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, {"jpg": "JPEG"}.get(form, form.upper()))
    return stream.getvalue()


def sound(seed: int) -> bytes:
    """A fifth of a second as a WAV file."""
    import numpy as np

    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        samples = np.random.default_rng(seed).integers(-9000, 9000, 1600)
        file.writeframes(samples.astype("<i2").tobytes())
    return stream.getvalue()


def _kaldi(folder: Path, count: int) -> None:
    for i in range(count):
        _write(folder / f"{i}.wav", sound(i))
    scp = (f"u{i} {folder.name}/{i}.wav\n" for i in range(count))
    _write(folder / "wav.scp", "".join(scp).encode())
    _write(folder / "text", "".join(f"u{i} WORDS {i}\n" for i in range(count)).encode())
    _write(folder / "utt2spk", "".join(f"u{i} s{i % 2}\n" for i in range(count)).encode())


def _coco(folder: Path, name: str, count: int) -> None:
    images = [{"id": i, "file_name": f"{i}.png"} for i in range(count)]
    captions = [{"id": i, "image_id": i, "caption": f"Thing {i}."} for i in range(count)]
    annotations = {"images": images, "annotations": captions}
    _write(folder / "annotations" / f"captions_{name}.json", json.dumps(annotations).encode())
    for i in range(count):
        _write(folder / name / f"{i}.png", picture(i, "png"))


def _tables(raw: Path, split: str, count: int) -> None:
    import pyarrow
    from pyarrow.parquet import write_table

    rows = [{"text": f'a "text",\n{i}\t', "label": f"class {i % 2}"} for i in range(count)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    _write(raw / "jsonl" / f"{split}.jsonl", lines.encode())
    for name, delimiter in (("csv", ","), ("tsv", "\t")):
        stream = io.StringIO()
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerows([rows[0], *(row.values() for row in rows)])
        _write(raw / name / f"{split}.{name}", stream.getvalue().encode())
    stream = io.BytesIO()
    write_table(pyarrow.Table.from_pylist(rows), stream)
    _write(raw / "parquet" / f"{split}.parquet", stream.getvalue())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
