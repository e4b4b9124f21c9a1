"""The commands t2t-mm-datagen and t2t-mm-inspect, as a person gives them."""

import re
import sys

import pytest

from tests import commands


def run(command, *args, cwd):
    line = [sys.executable, "-m", f"t2t_mm.cli.{command}", *args]
    return commands.run(line, cwd=cwd)


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
        "error: 2 of 3 problems could not be prepared: (1) wsj_speech needs data that you provide",
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


OWN_READER = """
from t2t_mm import files, registry
from t2t_mm.data.items import Broken, LeftOut
from t2t_mm.data.readers.base import Reader
from t2t_mm.modalities.language.spec import Language
from t2t_mm.problem.base import Problem


@registry.register_reader
class WordPairs(Reader):
    '''Pairs of words with a tab between.'''

    PIECE = 5

    def features(self):
        import tensorflow_datasets as tfds

        return {"left": tfds.features.Text(), "right": tfds.features.Text()}

    def expected(self):
        return "pairs of words (train.tsv, ...)"

    def find(self, name):
        return files.existing(self.folder / f"{name}.tsv")

    def total(self, source):
        return sum(1 for _ in files.lines(source))

    def items(self, source):
        return files.lines(source)

    def loader(self, source):
        return load_line


def load_line(item):
    number, line = item
    if b"\t" not in line:
        yield Broken(f"line {number}", "no tab") if line else LeftOut("empty lines")
        return
    left, right = line.decode().split("\t")
    yield number, {"left": left, "right": right}


@registry.register_problem
class Synonyms(Problem):
    '''Words to words that mean the same.'''

    raw_layout = "word_pairs"
    command = "to-synonym"
    input_key, target_key = "left", "right"
    inputs = targets = Language(vocab="synonyms", size=280)
"""


def test_a_reader_of_ones_own_is_one_file_of_a_users_directory(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own/words.py").write_text(OWN_READER)
    (tmp_path / "raw/synonyms").mkdir(parents=True)
    rows = [f"word{i}\tother{i}\n" for i in range(200)]
    (tmp_path / "raw/synonyms/train.tsv").write_text("".join(rows) + "\nno tab here\n")
    flags = ["--t2t_usr_dir=own", "--problems=synonyms", "--data_dir=data"]
    failed = run("datagen", *flags, cwd=tmp_path)
    assert "no folder <raw_dir>/synonyms" in failed.stderr and "pairs of words" in failed.stderr
    # two processes: they have to know the user's file as well
    done = run("datagen", *flags, "--raw_dir=raw", "--workers=2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"synonyms +train +200 .*data/word_pairs/synonyms/1.0.0", done.stdout)
    assert "left out 1 empty lines" in done.stdout and "line 202 (no tab)" in done.stdout
    shown = run("inspect", *flags, "--examples=1", cwd=tmp_path)
    assert re.search(r"inputs: word\d+\n(.*\n)*.*targets: other\d+", shown.stdout), shown.stderr


def test_a_layout_that_no_reader_is_called_is_refused_with_the_nearest(tmp_path):
    (tmp_path / "own").mkdir()
    code = OWN_READER.replace('raw_layout = "word_pairs"', 'raw_layout = "word_pears"')
    (tmp_path / "own/words.py").write_text(code)
    flags = ["--t2t_usr_dir=own", "--problems=synonyms", "--data_dir=data"]
    done = run("datagen", *flags, cwd=tmp_path)
    assert done.returncode and done.stderr.startswith("error: unknown reader 'word_pears'")
    assert "did you mean word_pairs" in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "data").exists()


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
