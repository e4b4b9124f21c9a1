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
HEAVY = {
    "tensorflow",
    "keras",
    "tensorflow_datasets",
    "tensorflow_text",
    "jax",
    "torch",
    "optuna",
}

# The floors of the house: a part imports from its own floor and those below, never from above.
FLOORS = [
    {"errors", "quiet", "loading", "files", "compat", "records", "locks", "presets", "registry"},
    {"mixtures", "config"},
    {"layers"},
    {"modalities"},
    {"problem"},
    {"data", "models"},
    {"execution"},
    {"runs"},
    {"decoding"},
    {"reporting"},
    {"inference"},
    {"evaluation"},
    {"export"},
    {"training"},
    {"studies", "tuning", "demo", "planning"},
    {"cli"},
]
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
# Names for users, which the house itself does not import.
FACADES = {"__init__", "__main__", "features", "hparams", "prepare"}
CATALOGUES = {"problems", "hparams_sets"}
# Reading a run, serving it: nothing of training.
READERS_OF_RUNS = {"runs", "inference", "export"}
# Read for `--help`, `--registry_help` and name errors: nothing heavy at the top of a file.
LIGHT = {
    "errors",
    "loading",
    "registry",
    "files",
    "records",
    "mixtures",
    "config",
    "problem",
    "cli",
    "tuning",
    "problems",
}
# Registered where they stand, and listed for `--registry_help`.
LIGHT_FILES = [
    *(ROOT / "t2t_mm/modalities").glob("*/spec.py"),
    *(ROOT / "t2t_mm/modalities").glob("*/text.py"),
    ROOT / "t2t_mm/modalities/base.py",
    ROOT / "t2t_mm/modalities/label_space.py",
    *(ROOT / "t2t_mm/data/readers").glob("*.py"),
    *(ROOT / "t2t_mm/evaluation/metrics").glob("*.py"),
    *(ROOT / "t2t_mm/studies/built_in").glob("*.py"),
    ROOT / "t2t_mm/studies/study.py",
    ROOT / "t2t_mm/training/optimizers.py",
    ROOT / "t2t_mm/training/schedules.py",
]
NOT_LIGHT = {"trees_in_graph.py", "treebank_in_graph.py", "decoding.py"}


def part(path: Path) -> str:
    """The part of the house that a file belongs to: t2t_mm/layers/moe.py -> layers."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[1] if parts[0] == "t2t_mm" else "problems"


def module(path: Path) -> str:
    """The dotted name of a file: t2t_mm/layers/moe.py -> t2t_mm.layers.moe."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


def is_keras_only(path: Path) -> bool:
    """Whether a file runs on any backend of Keras: layers, models, and each modality's net."""
    is_net = part(path) == "modalities" and path.name in ("net.py", "exit_flow.py")
    return part(path) in {"layers", "models"} or is_net


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
def test_imports_go_down_only(path):
    inside, names = part(path), imports(path)
    used = house_parts(names)
    if inside in FLOOR:
        assert used <= set(FLOOR), "a part that has no floor, or a facade"
        assert {name for name in used if FLOOR[name] > FLOOR[inside]} == set()
    if inside == "registry":
        assert used <= {"loading"}
    if inside in READERS_OF_RUNS:
        assert "training" not in used
    if is_keras_only(path):
        allowed = {
            "keras",
            "numpy",
            "t2t_mm",
            *(["tensorflow"] if path.name == "kernels.py" else []),
        }
        assert {name.split(".")[0] for name in names} <= allowed | sys.stdlib_module_names
    if (inside in LIGHT or path in LIGHT_FILES) and path.name not in NOT_LIGHT:
        assert not {name.split(".")[0] for name in imports(path, top_only=True)} & HEAVY


def test_every_part_has_a_floor():
    parts = {part(path) for path in FILES if "t2t_mm" in path.relative_to(ROOT).parts[:1]}
    assert parts - FACADES == set(FLOOR)


def test_no_import_is_part_of_a_circle():
    known = {module(path): path for path in FILES if path.relative_to(ROOT).parts[0] == "t2t_mm"}
    graph = {
        name: (imports(path) & known.keys()) - {name, "t2t_mm"} for name, path in known.items()
    }
    for name in [name for name in graph if name.split(".")[-1] in FACADES]:
        del graph[name]
    done, open_ = set(), []

    def visit(name):
        assert name not in open_, f"a circle: {' -> '.join([*open_[open_.index(name) :], name])}"
        if name in done:
            return
        open_.append(name)
        for other in sorted(graph[name] & graph.keys()):
            if not is_package_of(other, name):
                visit(other)
        done.add(open_.pop())

    def is_package_of(package, inner):
        return inner.startswith(f"{package}.")

    for name in sorted(graph):
        visit(name)


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
        test_imports_go_down_only(file)


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
        (["--problmes=wmt_ende"], 2),
        (["--problems=wmt_ende", "--hparams_set=multimodel_tinny"], 1),
        (["--problems=wmt_ende", "--hparams=hiden_size=3"], 1),
        (["--problems=wmt_ende", "--hparams=optimizer=muno"], 1),
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
