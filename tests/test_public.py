"""What `import t2t_mm` offers: by name, at no cost before it is used, known to type checkers."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import t2t_mm

ROOT = Path(__file__).parents[1]


def run(*line, **options):
    return subprocess.run(
        [sys.executable, *line], capture_output=True, text=True, timeout=300, **options
    )


def test_importing_the_package_costs_nothing():
    script = (
        "import sys, t2t_mm\n"
        "print(sorted(name for name in sys.modules if name.startswith('t2t_mm')))\n"
        "t2t_mm.Problem, t2t_mm.Language, t2t_mm.HParams, t2t_mm.RunConfig, t2t_mm.Reader\n"
        "print({'tensorflow', 'keras', 'tensorflow_datasets'} & set(sys.modules))\n"
    )
    done = run("-c", script, cwd=ROOT)
    assert done.stdout == "['t2t_mm', 't2t_mm.loading', 't2t_mm.registry']\nset()\n", done.stderr


def test_every_public_name_is_what_it_says():
    for name in t2t_mm.__all__:
        assert name in dir(t2t_mm)
        assert getattr(t2t_mm, name).__name__.rpartition(".")[2] == name
    with pytest.raises(AttributeError, match="'t2t_mm' has no attribute 'Problm'"):
        t2t_mm.Problm  # noqa: B018


def test_checkers_see_the_same_names():
    tree = ast.parse((ROOT / "t2t_mm/__init__.py").read_text())
    (block,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If)
        and not node.orelse
        and any(isinstance(child, ast.ImportFrom) for child in node.body)
    )
    seen = {alias.name: child.module for child in block.body for alias in child.names}
    assert t2t_mm._PUBLIC.items() <= seen.items()
    assert set(t2t_mm.__all__) == {*t2t_mm._PUBLIC, "load", "registry"}


def test_a_users_file_is_checked(tmp_path):
    """A checker follows our types into a user's file, and finds what is wrong there alone."""
    (tmp_path / "mine.py").write_text(
        "import t2t_mm\n"
        "from t2t_mm import HParams, Language, Problem, registry\n"
        "@registry.register_problem\n"
        "class Mine(Problem):\n"
        "    inputs = Language(vocab='mine')\n"
        "hparams: HParams = HParams().replace(dropout=0.1)\n"
        "problem: Problem = Mine()\n"
        "size: str = hparams.hidden_size\n"
        "t2t_mm.Problm\n"
    )
    done = run(
        "-m",
        "mypy",
        f"--config-file={ROOT / 'pyproject.toml'}",
        "mine.py",
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
    )
    wrong = [line.partition(": ")[0] for line in done.stdout.splitlines() if ": error: " in line]
    assert wrong == ["mine.py:8", "mine.py:9"], done.stdout + done.stderr
