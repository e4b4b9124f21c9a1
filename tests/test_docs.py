"""What README and docs say holds: blocks run or are checked, tables are those of the code, every
public name has a page."""

import ast
import importlib
import importlib.util
import os
import re
import subprocess
import sys
import types
from unittest import mock

import numpy as np
import pytest
import yaml

import t2t_mm
from t2t_mm import mixtures, registry
from t2t_mm.cli import options
from t2t_mm.config import hparams_files
from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.inference.predictor import Predictor
from t2t_mm.runs import metric
from t2t_mm.tuning import ranges
from tests.pages import MODULES, PAGES, ROOT, blocks, commands, joined, module, scripts, text_of

BLOCKS = [block for page in PAGES for block in blocks(page)]
# Programs of others that scripts call.
OTHERS = {"cd", "curl", "docker", "export", "git", "mkdocs", "mypy", "pip", "pre-commit", "printf"}
OTHERS |= {"python", "python3.11", "ruff", "tensorboard"}
# Flags of others that the text names.
FOREIGN = {"enable_batching", "batching_parameters_file", "name", "gpus"}
NOT_INSTALLED = {"datasets", "fastapi"}  # imported in blocks, and needed by no test


def of(*languages):
    found = [block for block in BLOCKS if block.language in languages]
    return pytest.mark.parametrize("block", found, ids=str)


def test_every_block_is_checked_or_says_why_not():
    allowed = {
        "bash": r"|run|not run: .+",
        "python": r"|not run: .+|called: .+|tested: .+",
        "text": r"output|shown: .+",
        "yaml": r"",
    }
    for block in BLOCKS:
        assert block.language in allowed, f"{block}: what is {block.language}?"
        assert re.fullmatch(allowed[block.language], block.mark), f"{block}: <!-- {block.mark} -->"
    assert len(BLOCKS) > 40


@of("bash", "yaml")
def test_commands_are_as_they_should_be(block):
    if block.language == "yaml":
        assert list(yaml.safe_load_all(block.text))
    ours, others = commands(block.text), scripts(block.text)
    for name, words in ours:
        check_command(name, words)
    for path, words in others:
        source = path.read_text()
        names = [word[2:].partition("=")[0] for word in words if word.startswith("--")]
        unknown = [n for n in names if not re.search(rf"[\"'](--)?{n}[\"']", source)]
        assert not set(unknown) - RunConfig.fields().keys(), f"{path} has no {unknown}"
    if block.language == "bash" and not block.mark.startswith("not run"):
        check_programs(block.text)


def check_command(name, words):
    """Flags are those of the command, and the values those that there are."""
    made = module(name)
    flags = made.FLAGS
    for flag in flags:
        flags[flag].unparse()
    assert flags(["docs", *words]) == ["docs"], f"{name}: {words} are no flags"
    value = lambda flag: flags[flag].value if flag in flags else None  # noqa: E731
    config = RunConfig().replace(**options.given(RunConfig, flags))
    if value("t2t_usr_dir"):  # what is registered there, is not here
        return
    joined_names = value("problems") if isinstance(value("problems"), str) else ""
    names = mixtures.parse(joined_names) if joined_names else {}
    names = [*names, *filter(None, [value("problem")])]
    problems = [registry.problem(each) for each in names]
    for each in value("metrics") or ():
        registry.metric(each)
    hparams = HParams()
    if "hparams_set" in flags and "model" in flags:
        base = config.hparams_set or "multimodel_tiny"
        hparams = hparams_files.resolve(
            base, config.gin_file, config.gin_bindings, config.hparams, config.model
        )
    if config.keep_best:
        metric.check(config.keep_best, problems, hparams, config.decode_examples, "--keep_best")
    if value("metric"):
        metric.check(value("metric"), problems, hparams, config.decode_examples, "--metric")
    if value("range"):
        ranges.read(value("range"))
    if value("study"):
        registry.find("study", value("study"))


def check_programs(text):
    """What a script calls is ours, or one of the programs that are known."""
    text = re.sub(r"'[^']*'", "quoted", joined(text))
    for line in re.split(r"\n|&&|\||;", text):
        first = line.split("#")[0].split()
        if first and first[0] != ".":
            ours = first[0].startswith("t2t-mm-") or first[0] == ".ci/run"
            assert ours or first[0] in OTHERS, f"{first[0]}: {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_runs(page, apart, monkeypatch):
    """The blocks of a page share one namespace; of those that aren't run, the imports are there."""
    before = set(registry.list_problems())
    model = mock.create_autospec(Predictor, instance=True)  # it refuses what the class doesn't take
    monkeypatch.setattr(t2t_mm, "load", lambda directory: model)
    monkeypatch.setattr(np, "load", lambda path: path)
    names = {"__name__": "docs", "model": model, "np": np}
    for block in (block for block in blocks(page) if block.language == "python"):
        code = compile(block.text, str(block), "exec")
        check_imports(block)
        if not block.mark or block.mark.startswith("called"):
            exec(code, names)
    for name in set(registry.list_problems()) - before:
        registry.problem(name)  # is complete


def check_imports(block):
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom):
            if node.module.partition(".")[0] not in NOT_INSTALLED:
                found = importlib.import_module(node.module)
                missing = [n.name for n in node.names if not has(found, n.name)]
                assert not missing, f"{block}: {node.module} has no {missing}"
        elif isinstance(node, ast.Import):
            for name in {each.name for each in node.names} - NOT_INSTALLED:
                assert importlib.util.find_spec(name), f"{block}: there is no {name}"


def has(found, name):
    return hasattr(found, name) or importlib.util.find_spec(f"{found.__name__}.{name}") is not None


@pytest.mark.parametrize("script", [block for block in BLOCKS if block.mark == "run"], ids=str)
def test_output_is_what_is_printed(script, tmp_path):
    output = BLOCKS[BLOCKS.index(script) + 1]
    assert output.mark == "output", f"{script} has no output"
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", script.text],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == output.text


def test_flags_in_the_text_exist():
    known = {*FOREIGN, *(flag for name in MODULES for flag in module(name).FLAGS)}
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
        if page.name == "tensor2tensor.md":  # its first column names those of Tensor2Tensor
            text = re.sub(r"^\|.*?\|", "|", text, flags=re.MULTILINE)
        for code in re.findall(r"`([^`\n]+)`", text):
            if not re.match(r"(python (benchmarks|-m tests|-m pytest)|pip|mkdocs|unknown)", code):
                names = re.findall(r"(?<![\w-])--([a-z]\w+)", code)
                assert set(names) <= known, f"{page.name}: `{code}`"


def test_generated_parts_are_those_of_the_code():
    # In a process of its own: here, other tests may have registered more.
    done = subprocess.run(
        [sys.executable, ROOT / "docs/generated.py", "--check"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, f"run python docs/generated.py:\n{done.stdout}{done.stderr}"


def test_every_public_name_has_a_page():
    text = "\n".join(page.read_text() for page in (ROOT / "docs/reference").glob("*.md"))
    described = set(re.findall(r"^::: (\S+)", text, re.MULTILINE))
    wanted = {f"{place}.{name}" for name, place in t2t_mm._PUBLIC.items()}
    assert wanted | {"t2t_mm.load", "t2t_mm.registry"} <= described
    for name in described:  # and what is described is there
        place, _, last = name.rpartition(".")
        assert has(importlib.import_module(place), last)


def test_every_page_is_in_the_menu():
    menu = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    pages = set(re.findall(r"[\w/]+\.md", str(menu)))
    there = {str(p.relative_to(ROOT / "docs")) for p in (ROOT / "docs").rglob("*.md")}
    reports = {page for page in there if page.startswith("results/")}
    assert pages == there - reports
    linked = set(re.findall(r"\((results/[^)]*)\)", (ROOT / "docs/results.md").read_text()))
    assert reports <= linked


def test_messages_of_troubleshooting_are_those_of_the_code():
    files = [*(ROOT / "t2t_mm").rglob("*.py"), ROOT / "docs/troubleshooting.md"]
    said = "\n".join(
        node.value
        for path in files[:-1]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    table = re.findall(r"^\| `([^|]+)` *\|", files[-1].read_text(), re.MULTILINE)
    for message in (m for m in table if "`" not in m and "command not found" not in m):
        for part in message.split("..."):
            assert part.strip() in said, f"{message}: {part!r} is nowhere"
    assert len(table) > 30


def test_the_server_answers(monkeypatch):
    testing = pytest.importorskip("fastapi.testclient")

    class Model:
        def predict(self, problem, inputs):
            if isinstance(inputs, bytes):
                return {"label": f"{len(inputs)} bytes"}
            return [{"outputs": text.upper()} for text in inputs]

    (block,) = (b for b in BLOCKS if b.mark.startswith("tested") and "serve.py" in b.text)
    monkeypatch.setattr(t2t_mm, "load", lambda directory: Model())
    serve = types.ModuleType("serve")
    monkeypatch.setitem(sys.modules, "serve", serve)
    exec(compile(block.text, "serve.py", "exec"), serve.__dict__)
    client = testing.TestClient(serve.app)
    assert client.post("/texts/mini_ende", json=["ring"]).json() == [{"outputs": "RING"}]
    assert client.post("/file/mini_imagenet", content=b"abc").json() == {"label": "3 bytes"}
    assert client.post("/texts/mini_ende", json={"a": 1}).status_code == 422
    refused = [
        client.post("/texts/mini_imagenet", json=["/etc/passwd"]),
        client.post("/texts/mini_ende", json=["a"] * 65),
        client.post("/file/nothing", content=b"abc"),
    ]
    assert [each.status_code for each in refused] == [404, 404, 404]


def test_links_of_the_readme_lead_somewhere():
    paths = re.findall(r"\]\(([^)#]+)", (ROOT / "README.md").read_text())
    there = [path for path in paths if not path.startswith("http")]
    assert len(there) > 15 and all((ROOT / path).is_file() for path in there)
