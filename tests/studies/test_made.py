"""The results in docs/results: what is there is not made again by the command that is printed."""

import shlex
import sys
from pathlib import Path

import pytest

from t2t_mm.studies.results import Results
from tests import commands

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent for path in (ROOT / "docs" / "results").glob("*/results.jsonl"))


def left(command, *more):
    """How many runs a command would make."""
    line = [sys.executable, "-m", "t2t_mm", "study", *command, "--list", *more]
    done = commands.run(line, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.count("--only=")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_command_of_a_report_makes_only_what_is_missing(folder, tmp_path):
    lines = (folder / "report.md").read_text().splitlines()
    (command,) = (shlex.split(line)[1:] for line in lines if line.startswith("t2t-mm-study"))
    rows = Results(folder).rows()
    assert rows and left(command) == left(command, f"--output_dir={tmp_path}") - len(rows)
