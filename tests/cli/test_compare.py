"""t2t-mm-compare, as a person meets it: through a process of its own."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.evaluated import evaluated
from tests.toys import TINY

ROOT = Path(__file__).parents[2]
HEAVY = {"tensorflow", "keras", "tensorflow_datasets", "matplotlib"}
RUN = f"""
import sys
from t2t_mm.cli import compare
try:
    compare.entry()
finally:
    print(sorted({HEAVY!r} & set(sys.modules)))
"""


def run(*args, folder):
    line = [sys.executable, "-c", RUN, *args]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(
        line, cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    *told, heavy = done.stdout.splitlines()
    errors = re.sub(r"^Took .*\n", "", done.stderr)
    return done.returncode, told, errors, json.loads(heavy.replace("'", '"'))


@pytest.fixture
def folder(tmp_path):
    other = TINY.replace(learning_rate=0.5)
    evaluated(tmp_path / "a", {50: 2.0, 100: 1.0}, metrics={"accuracy": 25.0})
    evaluated(tmp_path / "b", {50: 1.5, 100: 3.0}, hparams=other, metrics={"accuracy": 30.0})
    return tmp_path


def test_runs_side_by_side_with_nothing_heavy(folder):
    code, told, errors, heavy = run("--runs=a,b", folder=folder)
    assert (code, errors, heavy) == (0, "", [])
    text = "\n".join(told)
    assert "Settings that differ (" in text and "  learning_rate  0.003  0.5" in told
    title = told.index("log_perplexity (lower is better)")
    assert [line.split() for line in told[title + 1 : title + 4 : 2]] == [
        ["problem", "a", "at", "best", "at", "b", "at", "best", "at", "ahead"],
        ["toy_copy", "1.0000", "100", "1.0000", "100", "3.0000", "100", "1.5000", "50", "a"],
    ]
    assert told[told.index("accuracy (higher is better)") + 3].split()[1] == "25.00"
    assert "Compare with care" not in text
    assert told[-1].startswith("ahead: by the newest value. One run each can't tell")


def test_what_misleads_is_one_line(folder):
    evaluated(folder / "c", {50: 1.0}, seed=3, train_steps=50)
    _, told, _, _ = run("--runs=a,c", "--metrics=log_perplexity", folder=folder)
    assert told[-1] == (
        "Compare with care: newest evaluation at step 100 (a), 50 (c); train_steps 100 (a), 50 "
        "(c); seed 0 (a), 3 (c)."
    )
    assert "ahead" not in "\n".join(told) and "accuracy (" not in "\n".join(told)


def test_runs_of_one_setting_differ_by_chance(folder):
    evaluated(folder / "c", {100: 1.5}, seed=3)
    _, told, _, _ = run("--runs=a,c", folder=folder)
    title = "log_perplexity: newest values of runs with one setting"
    wanted = ["toy_copy", "a,", "c", "2", "1.2500", "1.0000", "1.5000"]
    assert told[told.index(title) + 3].split() == wanted
    assert told[-1].startswith("The runs differ in nothing but their seed:")
    _, told, _, _ = run("--runs=a,b,c", folder=folder)
    assert told[told.index(title) + 4].split()[1:4] == ["b", "1", "3.0000"]
    assert told[-1].startswith("ahead: by the newest value of a single run. How far seeds alone")


def test_older_runs_and_those_without_evaluations_are_told(folder):
    (folder / "b" / "metrics.jsonl").unlink()
    evaluated(folder / "c", {})
    code, told, _, _ = run("--runs=a,b,c", folder=folder)
    assert code == 0 and told[-2:] == [
        "b has no metrics.jsonl, as runs of older versions: only its newest evaluation is known.",
        "c was not evaluated on the validation split yet.",
    ]


def test_runs_that_have_just_begun_have_settings_alone(folder):
    for name, rate in (("c", 0.1), ("d", 0.2)):
        evaluated(folder / name, {}, hparams=TINY.replace(learning_rate=rate))
    code, told, _, _ = run("--runs=c,d", "--metrics=log_perplexity", folder=folder)
    assert code == 0 and "  learning_rate  0.1  0.2" in told
    assert told[-1] == "d was not evaluated on the validation split yet."
    assert not any("log_perplexity" in line for line in told)


def test_a_machine_is_given_all_of_it(folder):
    code, told, _, heavy = run("--runs=a,b", "--json", folder=folder)
    found = json.loads("\n".join(told))
    assert (code, heavy) == (0, [])
    assert found["settings"]["differ"] == {"learning_rate": {"a": 0.003, "b": 0.5}}
    assert found["problems"]["toy_copy"]["log_perplexity"] == {
        "ahead": "a",
        "runs": {
            "a": {"newest": 1.0, "step": 100, "best": 1.0, "best_step": 100},
            "b": {"newest": 3.0, "step": 100, "best": 1.5, "best_step": 50},
        },
    }
    assert found["units"] == {"accuracy": "%"}
    assert found["runs"]["a"]["state"] == "ended" and found["runs"]["a"]["step"] == 100


def test_curves_are_drawn(folder):
    code, told, errors, heavy = run("--runs=a,b", "--picture=curves.png", folder=folder)
    assert (code, errors, heavy) == (0, "", ["matplotlib"])
    assert told[-1] == "curves.png and curves.svg show the curves."
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert ">toy_copy<" in (folder / "curves.svg").read_text()


@pytest.mark.parametrize(
    "args, code, message",
    [
        ([], 2, "Give --runs: Output directories"),
        (["--runs=a,none"], 1, "There is no directory none"),
        (["--runs=a,."], 1, "problems.json can't be read"),
        (["--runs=a,a"], 1, "a is named twice"),
        (["--runs=a,b", "--metrics=acuracy"], 1, "did you mean accuracy"),
        (["--runs=a,b", "--split=dev"], 2, "value should be one of <train|validation|test>"),
        (["--runs=a,b", "--picture=none/curves"], 1, "--picture=none/curves.png can't be written"),
        (["--run=a,b"], 2, "unknown flag --run, did you mean --runs?"),
    ],
)
def test_mistakes_are_one_line(folder, args, code, message):
    found, told, errors, heavy = run(*args, folder=folder)
    assert (found, told, heavy) == (code, [], [])
    assert errors.startswith("error: ") and message in errors and errors.count("\n") == 1
