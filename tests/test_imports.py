"""The rules of the house about imports, and what names and help may cost."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(
    path for folder in ("t2t_mm", "problems", "hparams") for path in (ROOT / folder).rglob("*.py")
)
HEAVY = {"tensorflow", "keras", "tensorflow_datasets", "tensorflow_text", "jax", "torch"}

# Part of the house -> the parts that it may import.
ALLOWED = {
    "errors": set(),
    "loading": set(),
    "registry": {"loading"},
    "hparams": {"errors"},
    "hparams_io": {"errors", "hparams", "registry"},
    "layers": {"layers"},
    "modalities": {"layers", "modalities"},
    "models": {"layers", "modalities", "models"},
}
# Part of the house -> the parts that stand above it.
FORBIDDEN = {
    **dict.fromkeys(
        ["features", "problem", "sources", "prepare", "text", "datasets", "input", "metrics"],
        {"models", "training", "search", "export", "cli"},
    ),
    **dict.fromkeys(["training", "search", "export"], {"cli"}),
}
KERAS_ONLY = {"layers", "modalities", "models"}
# These are read for `--help`, `--registry_help` and name errors: nothing heavy at the top of a
# file.
LIGHT = {
    "errors",
    "loading",
    "registry",
    "hparams",
    "hparams_io",
    "features",
    "problem",
    "cli",
    "problems",
}


def part(path: Path) -> str:
    """The part of the house that a file belongs to: t2t_mm/layers/moe.py -> layers."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[1] if parts[0] == "t2t_mm" else "problems"


def imports(path: Path, top_only=False) -> set[str]:
    """Dotted names that a file imports, anywhere or only when it is itself imported."""
    tree = ast.parse(path.read_text())
    nodes = _outside_functions(tree) if top_only else ast.walk(tree)
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:  # relative
                package = ".".join(path.relative_to(ROOT).parts[: -node.level])
                base = f"{package}.{base}".rstrip(".")
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return names


def _outside_functions(node):
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _outside_functions(child)


def house_parts(names) -> set[str]:
    return {name.split(".")[1] for name in names if name.startswith("t2t_mm.")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    inside, names = part(path), imports(path)
    used = house_parts(names)
    if inside in ALLOWED:
        assert used <= ALLOWED[inside]
    assert not used & FORBIDDEN.get(inside, set())
    if inside in KERAS_ONLY:
        allowed = {"keras", "numpy", "t2t_mm", *(["tensorflow"] if path.name == "fast.py" else [])}
        assert {name.split(".")[0] for name in names} <= allowed | sys.stdlib_module_names
    if inside in LIGHT:
        assert not {name.split(".")[0] for name in imports(path, top_only=True)} & HEAVY


def test_the_rules_see_what_they_forbid(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    (tmp_path / "t2t_mm/layers").mkdir(parents=True)
    file = tmp_path / "t2t_mm/layers/one.py"
    file.write_text(
        "from t2t_mm import cli\nfrom ..models import body\ndef f():\n    import tensorflow\n"
    )
    assert house_parts(imports(file)) >= {"cli", "models"}
    assert "tensorflow" in imports(file) and "tensorflow" not in imports(file, top_only=True)
    with pytest.raises(AssertionError):
        test_imports_go_one_way(file)


RUN = """
import json, runpy, sys
sys.argv = ["t2t_mm_trainer.py", *{args!r}]
try:
    runpy.run_path("t2t_mm_trainer.py", run_name="__main__")
    code = 0
except SystemExit as exit:
    code = exit.code or 0
print(json.dumps([code, sorted({heavy!r} & set(sys.modules))]))
"""


@pytest.mark.parametrize(
    "args, code",
    [
        (["--help"], 0),
        (["--registry_help"], 0),
        (["--problems=wmt_endee"], 1),
        (["--problmes=wmt_ende"], 1),
        (["--problems=wmt_ende", "--hparams_set=multimodel_tinny"], 1),
        (["--problems=wmt_ende", "--hparams=hiden_size=3"], 1),
        (["--problems=wmt_ende", "--gin_bindings=hparams.hiden_size=3"], 1),
    ],
)
def test_help_and_name_errors_import_nothing_heavy(args, code, tmp_path):
    if code:
        args = [*args, f"--data_dir={tmp_path}/data", f"--output_dir={tmp_path}/out"]
    script = RUN.format(args=args, heavy=HEAVY)
    line = [sys.executable, "-c", script]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert json.loads(done.stdout.splitlines()[-1]) == [code, []], done.stderr
    assert not (tmp_path / "out").exists()
    if code:
        assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
