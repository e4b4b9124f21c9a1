"""Writes the parts of the documentation that the code knows best: tables of what is registered, of
options and hyperparameters, and what --help says.

    python docs/generated.py [--check]

In a page such a part stands between `<!-- generated: name -->` and `<!-- end -->`. Nothing here
imports TensorFlow. A test fails where a page is older than the code.
"""

import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path

from t2t_mm import registry
from t2t_mm.__main__ import COMMANDS
from t2t_mm.cli import app, catalogue
from t2t_mm.config import fields
from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.reporting.markdown import table

PAGES = Path(__file__).parent
PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fields_of(config: type[fields.Fields]) -> str:
    """A table of the fields of a configuration."""
    return table(
        ("name", "default", "meaning"),
        ((f"`{f.name}`", f"`{f.default!r}`", f.meaning) for f in config.fields().values()),
    )


def entries(kind: str, shown: Callable = lambda entry: ()) -> Callable[[], str]:
    """A function that gives a table of what is registered of a kind."""
    return lambda: table(
        ("name", "what it is") + (("",) if kind in ("metric", "mixture") else ()),
        ((f"`{e.name}`", e.description, *shown(e)) for e in registry.entries(kind)),
    )


def of_metric(entry: registry.Entry) -> tuple[str]:
    """Which way is better, and the unit."""
    metric = registry.metric(entry.name)
    better = "higher" if metric.higher_is_better else "lower"
    return (f"{better} is better{f', {metric.unit}' if metric.unit else ''}",)


def of_mixture(entry: registry.Entry) -> tuple[str]:
    """Its members and their weights."""
    members = registry.mixture(entry.name).items()
    return ("+".join(name if w is None else f"{name}:{w:g}" for name, w in members),)


def nets() -> str:
    """The command token and the modality nets of each problem."""
    problems = map(registry.problem, registry.list_problems())
    code = "`{}`".format
    return table(
        ("problem", "command", "inputs", "targets"),
        (
            (
                code(p.name),
                code(p.command),
                ", ".join(code(spec.net_name()) for spec in p.inputs.fields.values()),
                code(p.targets.net_name()),
            )
            for p in problems
        ),
    )


def commands() -> str:
    """What --help of each command says."""
    shown = []
    for name, where in COMMANDS.items():
        module = importlib.import_module(where)
        text = app.usage(module, module.FLAGS, getattr(module, "SECTIONS", {}))
        title = f"t2t-mm-{'trainer' if name == 'train' else name}"
        shown.append(f"## {title}\n\n```text\n{text}\n```")
    return "\n\n".join(shown)


PARTS: dict[str, Callable[[], str]] = {
    "catalogue": catalogue.table,
    "commands": commands,
    "nets": nets,
    "hparams": lambda: fields_of(HParams),
    "options": lambda: fields_of(RunConfig),
    "mixtures": entries("mixture", of_mixture),
    "metrics": entries("metric", of_metric),
} | {
    kind.replace(" ", "_"): entries(kind)
    for kind in registry.KINDS
    if kind not in ("problem", "mixture", "metric")
}


def written(page: str) -> str:
    """The text of a page with its generated parts as they should be."""
    return PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n\n{found[3]}", page)


def main(check: bool) -> int:
    """Writes all pages, or only says which are older than the code; the exit code."""
    old = []
    for path in sorted(PAGES.rglob("*.md")):
        before = path.read_text()
        if (after := written(before)) != before:
            old.append(path)
            print(f"{path} {'is older than the code' if check else 'has changed'}.")
            if not check:
                path.write_text(after)
    return int(check and bool(old))


if __name__ == "__main__":
    sys.exit(main(check=sys.argv[1:] == ["--check"]))
