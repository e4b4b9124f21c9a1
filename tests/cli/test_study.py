"""t2t-mm-study as a user runs it: a study of one's own, ordinary runs, a report."""

import json
import sys

import pytest

from t2t_mm.studies.results import FILE
from tests import commands

SMALL = (
    "hidden_size=16,num_heads=2,encoder_blocks=1,mixer_blocks=1,decoder_blocks=1,moe_experts=4,"
    "moe_k=2,moe_hidden=16,batch_size=64"
)
MINE = '''
from t2t_mm import registry
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.language.spec import Language
from t2t_mm.problem.base import Problem
from t2t_mm.studies.study import Study

@registry.register_problem
class Even(Problem):
    """Whether a number is even."""
    command = "to-even"
    inputs = Language(vocab="digits", units="symbols")
    targets = Categorical(labels="even", num_classes=2)

    def generate(self, split, raw_dir):
        start, count = {"train": (0, 60), "validation": (60, 10), "test": (70, 20)}[split]
        for i in range(start, start + count):
            yield {"inputs": " ".join(str(i)), "targets": i % 2}

@registry.register_study
def forty(setup):
    """Do forty examples do?"""
    return Study([setup.arm("few", train_examples=40)], [])
'''


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("study")
    (place / "usr").mkdir()
    (place / "usr" / "mine.py").write_text(MINE)
    return place


def study(place, *more, **flags):
    flags = {
        "t2t_usr_dir": place / "usr",
        "study": "forty",
        "problems": "even",
        "hparams": SMALL,
        "train_steps": 3,
        "seeds": 1,
        "data_dir": place / "data",
        "output_dir": place / "out",
        "generate_data": True,
    } | flags
    given = [f"--{name}={value}" for name, value in flags.items() if value is not None]
    return commands.run([sys.executable, "-m", "t2t_mm", "study", *given, *more], timeout=900)


def rows(place):
    return [json.loads(line) for line in (place / "out" / FILE).read_text().splitlines()]


@pytest.fixture(scope="module")
def made(place):
    return study(place)


def test_a_study_of_ones_own_trains_its_arms_and_reports(place, made):
    assert made.returncode == 0, made.stderr
    assert "forty: 1 runs, 0 of them done." in made.stdout
    assert "few, seed 0: even log_perplexity" in made.stdout
    (row,) = rows(place)
    assert row["arm"] == "few" and row["examples"] == {"even": 20}
    assert list(row["curve"]["even"]) == ["1", "2", "3"]
    report = (place / "out" / "report.md").read_text()
    assert "Do forty examples do?" in report and "| few | 3 | 1 |" in report
    assert (place / "out" / "learning_curves.png").exists()


def test_each_arm_is_an_ordinary_run(place, made):
    (folder,) = (place / "out" / "runs").glob("few_*/seed_0")
    config = json.loads((folder / "run.json").read_text())
    assert config["train_examples"] == 40 and config["train_steps"] == 3
    assert (folder / "metrics_validation.json").exists() and (folder / "log.txt").exists()


def test_what_is_done_is_not_made_again(place, made):
    before = rows(place)
    again = study(place)
    assert again.returncode == 0 and "1 runs, 1 of them done" in again.stdout
    assert rows(place) == before
    listed = study(place, "--list", seeds=2).stdout
    assert listed.count("--only=") == 1 and listed.endswith("--only=few/1\n")


@pytest.mark.parametrize(
    "flags, message",
    [
        ({"study": None}, "Give --study: Registered study."),
        ({"study": "fortyy"}, "unknown study 'fortyy': did you mean forty?"),
        ({"problems": "evn"}, "unknown problem 'evn'"),
        ({"data_dir": None}, "Give --data_dir"),
        ({"hparams": "hiden_size=3"}, "hiden_size"),
        ({"seeds": 0}, "--seeds"),
        ({"problems": "even:2"}, "even has a weight, but a study trains all problems alike"),
        ({"generate_data": "again"}, "A study prepares only what is missing"),
        ({"only": "third/0"}, "--only=third/0 names no run: give arm/seed"),
        ({"only": "first/9"}, "--only=first/9 names no run"),
        ({"output_dir": "/dev/null/x"}, "output_dir"),
    ],
)
def test_what_is_wrong_is_one_line(place, flags, message):
    done = study(place, **flags)
    assert done.returncode in (1, 2) and message in done.stderr, done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert not done.stdout
