"""Everything public says its types, and a type checker agrees with what users import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "t2t_mm").rglob("*.py"))
CALLED = {"__init__", "__call__"}  # public, whatever their names look like


def untyped(tree: ast.AST) -> list[str]:
    """The public functions and methods, outside functions, that lack a type."""
    found = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            found += untyped(node)
        elif isinstance(node, ast.FunctionDef) and not _is_typed(node):
            found.append(f"{node.name}, line {node.lineno}")
    return found


def _is_typed(function: ast.FunctionDef) -> bool:
    if function.name.startswith("_") and function.name not in CALLED:
        return True
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    taken = [each for each in given if each.arg not in ("self", "cls")]
    gives = function.returns is not None or function.name == "__init__"
    return gives and all(each.annotation is not None for each in taken)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_public_is_typed(path):
    assert untyped(ast.parse(path.read_text())) == []


def test_what_is_not_typed_is_seen():
    code = (
        "class A:\n    def f(self, x: int): ...\n    def _g(self, x): ...\ndef h(y) -> int: ...\n"
    )
    assert untyped(ast.parse(code)) == ["f, line 2", "h, line 4"]


def test_a_type_checker_agrees():
    done = subprocess.run(
        [sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout
