"""t2t-mm-score, as a person meets it: through a process of its own."""

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from t2t_mm.registry import metric

ROOT = Path(__file__).parents[2]
HYPOTHESES = [
    "The cat sat on the mat.",
    "A dog, barking!",
    "He reads a book about the history of the world.",
]
REFERENCES = [
    "The cat is sitting on the mat.",
    "A dog was barking.",
    "He read a book about the history of the world.",
]
OTHERS = ["A cat sat on the mat.", "A dog barked.", "He reads of world history."]


def run(*args, folder):
    line = [sys.executable, "-m", "t2t_mm.cli.score", *args]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    return subprocess.run(
        line, cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def folder(tmp_path):
    for name, lines in (
        ("hyp", HYPOTHESES),
        ("ref", REFERENCES),
        ("ref2", OTHERS),
        ("short", REFERENCES[:2]),
    ):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    (tmp_path / "hyp.gz").write_bytes(gzip.compress((tmp_path / "hyp").read_bytes()))
    (tmp_path / "empty").touch()
    (tmp_path / "latin").write_bytes(b"one\ntwo \xe4\nthree\n")
    return tmp_path


def test_figures_with_their_signatures_and_intervals(folder):
    flags = [
        "--metrics=bleu,chrf,wer",
        "--hypotheses=hyp",
        "--references=ref",
        "--bootstrap=100",
        "--seed=3",
    ]
    done = run(*flags, folder=folder)
    assert done.returncode == 0 and re.fullmatch(r"Took .*\n", done.stderr)
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line}
    assert "hyp: 3 examples" in done.stdout
    for name in ("bleu", "chrf", "wer"):
        score = metric(name).score(
            HYPOTHESES, [[text] for text in REFERENCES], bootstrap=100, seed=3
        )
        assert f" {score.value:.4f} " in rows[name] and rows[name].endswith(score.signature)
        assert "{:.4f} to {:.4f}".format(*score.interval) in rows[name]
    assert "higher" in rows["bleu"] and "lower" in rows["wer"]
    assert "wer: substitutions 2, deletions 2, insertions 0, reference_length 21" in done.stdout
    assert "Intervals: 100 bootstrap resamples of the examples, seed 3." in done.stdout


@pytest.mark.parametrize(
    "references", [["--references=ref,ref2"], ["--references=ref", "--references=ref2"]]
)
def test_several_references_and_json(folder, references):
    done = run(
        "--metrics=bleu,rouge_l", "--hypotheses=hyp.gz", *references, "--json", folder=folder
    )
    told = json.loads(done.stdout)
    assert (
        told["examples"] == 3
        and "seed" not in told
        and list(told["metrics"]) == ["bleu", "rouge_l"]
    )
    for name, shown in told["metrics"].items():
        score = metric(name).score(
            HYPOTHESES, [list(pair) for pair in zip(REFERENCES, OTHERS, strict=True)]
        )
        assert shown["value"] == score.value and shown["signature"] == score.signature
        assert shown["interval"] is None


def test_the_metrics_of_a_problem(folder):
    done = run("--problem=wmt_ende", "--hypotheses=ref", "--references=ref", folder=folder)
    assert [line.split()[:2] for line in done.stdout.splitlines()[3:5]] == [
        ["bleu", "100.0000"],
        ["chrf", "100.0000"],
    ]


def test_a_metric_of_ones_own(folder):
    (folder / "own").mkdir()
    (folder / "own" / "length.py").write_text(
        "from t2t_mm import registry\n"
        "from t2t_mm.evaluation.metrics.scoring import Metric, ratio\n"
        "@registry.register_metric\n"
        "class Length(Metric):\n"
        "    def counts(self, hypotheses, references):\n"
        "        return [[len(hypothesis.split()), 1] for hypothesis in hypotheses]\n"
        "    def value(self, sums):\n"
        "        return ratio(*sums)\n"
    )
    done = run("--t2t_usr_dir=own", "--metrics=length", HYP, REF, folder=folder)
    assert "length  6.3333" in done.stdout, done.stderr


HYP, REF = "--hypotheses=hyp", "--references=ref"
USAGE = (
    "Give --references: ",
    "Give --hypotheses: ",
    "Give --metrics, such as",
    "Give --metrics or --problem, not both",
    "flag --bootstrap=-1",
)


@pytest.mark.parametrize(
    "args, message",
    [
        (["--metrics=bleu", HYP], "Give --references: "),
        (["--metrics=bleu", REF], "Give --hypotheses: "),
        ([HYP, REF], "Give --metrics, such as"),
        (["--metrics=blue", HYP, REF], "unknown metric 'blue': did you mean bleu?"),
        (
            ["--metrics=accuracy_top5", HYP, REF],
            "accuracy_top5 is measured while the model is given the true previous outputs",
        ),
        (
            ["--metrics=bleu", "--problem=wmt_ende", HYP, REF],
            "Give --metrics or --problem, not both",
        ),
        (["--problem=wmt_endee", HYP, REF], "unknown problem"),
        (
            ["--problem=imagenet", HYP, REF],
            "imagenet names no metrics of decoded text; choose with --metrics=",
        ),
        (["--metrics=bleu", HYP, "--references=short"], "hyp has 3 lines, but short has 2"),
        (["--metrics=bleu", HYP, "--references=ref,short"], "hyp has 3 lines, but short has 2"),
        (["--metrics=bleu", HYP, "--references=nowhere"], "nowhere cannot be read"),
        (["--metrics=bleu", "--hypotheses=empty", REF], "empty is empty."),
        (["--metrics=bleu", HYP, "--references=latin"], "latin, line 2: not UTF-8"),
        (
            ["--metrics=wer", HYP, "--references=ref,ref2"],
            "wer takes one reference per example, but example 1 has 2",
        ),
        (["--metrics=bracket_f1", HYP, REF], "Reference 1 is no bracketed tree"),
        (["--metrics=bleu", "--bootstrap=-1", HYP, REF], "flag --bootstrap=-1"),
    ],
)
def test_a_mistake_is_one_line(folder, args, message):
    done = run(*args, folder=folder)
    assert (done.returncode, done.stdout) == (2 if message in USAGE else 1, "")
    assert (
        done.stderr.startswith("error: ")
        and message in done.stderr
        and done.stderr.count("\n") == 1
    )


def test_help_imports_nothing_heavy(folder):
    script = (
        "import sys\nfrom t2t_mm.cli import app, score\n"
        "app.run(score.main, score.FLAGS, ['t2t-mm-score', '--help'])\n"
        "print({'tensorflow', 'keras', 'numpy', 'sacrebleu', 'jiwer', 'nltk', 'rich'} & "
        "set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and done.stdout.endswith("set()\n"), done.stdout + done.stderr
    for text in (
        "t2t-mm-score --metrics=bleu,chrf",
        "--bootstrap [0]",
        "--references",
        "--seed [12345]",
    ):
        assert text in done.stdout
