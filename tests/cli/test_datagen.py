"""The commands t2t-mm-datagen and t2t-mm-inspect, as a person gives them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from t2t_mm.cli import catalogue

ROOT = Path(__file__).parent.parent.parent


def run(command, *args, cwd):
    line = [sys.executable, "-m", f"t2t_mm.cli.{command}", *args]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, timeout=300)


@pytest.fixture
def raw(tmp_path):
    """Parallel text and trees, enough for small vocabularies."""
    folder = tmp_path / "raw"
    (folder / "wmt_ende").mkdir(parents=True)
    for split in ("train", "validation"):
        for language in ("en", "de"):
            lines = (f"{language} says {i} and {i * i}\n" for i in range(300))
            (folder / f"wmt_ende/{split}.{language}").write_text("".join(lines))
    (folder / "wsj_parse").mkdir()
    tree = "(ROOT (S (NP (DT The) (NN dog)) (VP (VBZ barks)) (. .)))\n"
    for split in ("train", "validation"):
        (folder / f"wsj_parse/{split}.mrg").write_text(tree * 20)
    return folder


def test_data_is_prepared_then_shown(raw, tmp_path):
    done = run(
        "datagen", "--problems=wmt_ende+wsj_parse", "--raw_dir=raw", "--data_dir=data", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert (
        re.search(r"wmt_ende +train +300 ", done.stdout)
        and "data/bracketed_trees/wsj_parse/1.0.0" in done.stdout
    )
    shown = run(
        "inspect",
        "--problems=wsj_parse+wmt_ende",
        "--data_dir=data",
        "--examples=1",
        cwd=tmp_path,
    )
    assert shown.returncode == 0, shown.stderr
    for part in (
        "inputs: The dog barks .",
        "├─DT The",
        "Lengths (training split)",
        "too long  0.0%",
        "wmt_ende: En",
    ):
        assert part in shown.stdout


def test_what_is_missing_is_said_and_does_not_stop_the_rest(raw, tmp_path):
    done = run(
        "datagen",
        "--problems=wsj_speech+wmt_ende+imagenet",
        "--raw_dir=raw",
        "--data_dir=data",
        cwd=tmp_path,
    )
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    for part in (
        "error: 2 of 3 problems could not be prepared: (1) wsj_speech reads data that has to be "
        "yours",
        "train/wav.scp and train/text",
        "https://catalog.ldc.upenn.edu/LDC93S6A",
        "--problems=librispeech",
        "(2) imagenet: ",
        "ILSVRC2012_img_train.tar",
        "https://image-net.org",
        "downloads/manual",
        "--problems=imagenette",
    ):
        assert part in done.stderr
    assert "wmt_ende: 300 train, 300 validation examples" in done.stdout


@pytest.mark.parametrize(
    "args, told, code",
    [
        ([], "Give --problems", 2),
        (["--problems=mini_ende"], "Give --data_dir", 2),
        (["--problems=nothing", "--data_dir=d"], "nothing", 1),
        (["--problems=mini_ende", "--data_dir=d", "--workers=0"], "workers", 2),
        (["--problems=mini_ende", "--data_dir=d", "--hparams=parse_vocab=mine"], "parse_vocab", 1),
    ],
)
def test_wrong_flags(args, told, code, tmp_path):
    done = run("datagen", *args, cwd=tmp_path)
    assert done.returncode == code and done.stderr.startswith("error: ") and told in done.stderr
    assert not (tmp_path / "d").exists()


def test_the_readme_has_the_catalogue():
    assert catalogue.table() in (ROOT / "README.md").read_text(), (
        "paste what t2t-mm-datagen --catalogue prints"
    )
