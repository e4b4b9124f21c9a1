"""Writing in pieces: the same data whatever interrupts it, however many processes write it."""

import os
import random
import shutil
import signal
import time
import types

import pytest

from t2t_mm.data.readers.parallel_text import ParallelText
from t2t_mm.data.writing import builder, pieces, shards
from t2t_mm.data.writing.options import DEFAULTS, Options
from t2t_mm.errors import UserError
from t2t_mm.modalities.language.spec import Language

TEXT = Language(vocab="mine")
PROBLEM = types.SimpleNamespace(
    name="mine", folder="mine", input_key="en", target_key="de", inputs=TEXT, targets=TEXT
)


@pytest.fixture
def lines(write, monkeypatch):
    """4,000 pairs, in pieces of 100."""
    monkeypatch.setattr(ParallelText, "PIECE", 100)
    for language in ("en", "de"):
        for split, count in (("train", 4_000), ("validation", 140)):
            write(f"{split}.{language}", "".join(f"{split} {language} {i}\n" for i in range(count)))


@pytest.fixture
def write_data(tmp_path):
    def run(data="data", options=DEFAULTS):
        return builder.prepare(ParallelText(PROBLEM, tmp_path / "raw"), tmp_path / data, options)

    return run


def content(tmp_path, data):
    folder = tmp_path / data / "parallel_text/mine/1.0.0"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_killed_at_random_moments_it_ends_with_the_same_data(lines, write_data, tmp_path):
    started = time.monotonic()
    write_data("whole")
    seconds = time.monotonic() - started
    draw = random.Random(0)
    for _ in range(10):
        if child := os.fork():
            time.sleep(draw.uniform(0.1, 0.6) * seconds)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        else:
            write_data("killed")
            os._exit(0)
    if not (tmp_path / "killed/parallel_text/mine/1.0.0").exists():
        found = []
        write_data("killed", Options(report=lambda status: found.append(status.found)))
        assert max(found) > 0
    assert content(tmp_path, "killed") == content(tmp_path, "whole")
    folder = tmp_path / "killed/parallel_text/mine"
    if (work := folder / "unfinished").exists():  # killed while it tidied up: the data had moved
        assert not (work / "dataset").exists()
        shutil.rmtree(work)
    assert [path.name for path in folder.iterdir()] == ["1.0.0"]


def test_a_piece_is_made_anew_if_and_only_if_its_lines_changed(
    lines, write_data, tmp_path, write, monkeypatch
):
    def stop(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shards, "_merge_all", stop)
        with pytest.raises(KeyboardInterrupt):
            write_data()
    german = (tmp_path / "raw/train.de").read_text()
    write("train.de", german.replace("train de 177\n", "changed\n"))
    made = []
    make = pieces._make_piece
    monkeypatch.setattr(
        pieces, "_make_piece", lambda path, *rest: made.append(path.name) or make(path, *rest)
    )
    data = write_data().as_dataset("train").as_numpy_iterator()
    assert [name[:12] for name in made] == ["train-000001"]
    texts = {example["de"] for example in data}
    assert b"changed" in texts and b"train de 177" not in texts and len(texts) == 4_000


def test_several_processes_write_the_same(lines, write_data, tmp_path):
    write_data("one")
    write_data("two", Options(workers=2))
    assert content(tmp_path, "one") == content(tmp_path, "two")


def test_more_pieces_than_may_be_open_at_once(lines, write_data, tmp_path, monkeypatch):
    write_data("one")
    monkeypatch.setattr(pieces, "_MERGED", 3)
    write_data("two")
    assert content(tmp_path, "one") == content(tmp_path, "two")


def test_shards_are_of_a_size(lines, write_data, monkeypatch):
    monkeypatch.setattr(shards, "SHARD_BYTES", 60_000)
    read = write_data()
    assert read.info.splits["train"].num_shards > 2
    assert read.info.splits["train"].num_examples == 4_000
    examples = read.as_dataset("train").as_numpy_iterator()
    assert len({example["en"] for example in examples}) == 4_000


def test_the_order_is_not_that_of_the_lines(lines, write_data):
    read = [
        int(example["en"].split()[-1])
        for example in write_data().as_dataset("train").as_numpy_iterator()
    ]
    steps = sum(abs(a - b) for a, b in zip(read, read[1:], strict=False)) / len(read)
    # In a random order, a third of 4,000.
    assert sorted(read) == list(range(4_000)) and steps > 1_000


def test_another_process_at_it_is_an_error(lines, write_data, tmp_path):
    work = tmp_path / "data/parallel_text/mine/unfinished"
    work.mkdir(parents=True)
    with shards.alone(work), pytest.raises(UserError, match="Another process is preparing"):
        write_data()
    shutil.rmtree(work)
    write_data()


def test_progress_is_reported(lines, write_data):
    seen = []
    report = lambda now: seen.append((now.name, now.done, now.total, now.merging))  # noqa: E731
    write_data(options=Options(report=report))
    assert seen[0] == ("mine train", 100, 4_000, False)
    assert seen[-1] == ("mine validation", 140, 140, True)
