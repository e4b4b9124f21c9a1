"""`--registry_help`: everything that is registered, each with one line."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from t2t_mm import registry
from t2t_mm.config import hparams_files
from t2t_mm.config.hparams import HParams
from t2t_mm.errors import UserError
from t2t_mm.registry import Entry
from t2t_mm.tuning import ranges

Row = tuple[str, ...]


def text() -> str:
    """The list, as aligned plain text. Imports neither TensorFlow nor any data set."""
    sections = [
        _section(title, kind, row)
        for title, kind, row in (
            (
                "Problems (--problems=a+b:2; a_rev swaps sides, a_copy copies inputs)",
                "problem",
                _problem,
            ),
            ("Mixtures (--problems=name)", "mixture", _mixture),
            ("Hparams sets (--hparams_set=name)", "hparams set", _plain),
            ("Hparams modifiers (--hparams_set=set+modifier)", "hparams modifier", _plain),
            ("Ranges of hparams to search (t2t-mm-tune --range=name)", "ranged hparams", _range),
            ("Models (--model=name)", "model", _plain),
            ("Optimizers (--hparams=optimizer=name)", "optimizer", _plain),
            ("Schedules of the learning rate (--hparams=schedule=name)", "schedule", _plain),
            ("Modalities (inputs and targets of a problem)", "modality", _plain),
            ("Readers of raw data (raw_layout of a problem)", "reader", _plain),
            ("Studies (t2t-mm-study --study=name)", "study", _plain),
            ("Metrics (--metrics=a,b; metrics of a problem)", "metric", _metric),
        )
    ]
    hparams = "Hparams and their defaults (--hparams=name=value,...)"
    sections.append(_lines(hparams, HParams().describe().splitlines()))
    sections += [_own_hparams(each) for each in registry.entries("model") if each.hparams]
    return "\n\n".join(filter(None, sections))


def _section(title: str, kind: str, row: Callable[[Entry], Row]) -> str:
    """Title and aligned columns, one row per entry; nothing at all if there are no entries."""
    rows = [row(entry) for entry in registry.entries(kind)]
    if not rows:
        return ""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return _lines(title, ("  ".join(map(str.ljust, cells, widths)) for cells in rows))


def _lines(title: str, lines: Iterable[str]) -> str:
    return "\n".join([title, *(f"  {line.rstrip()}" for line in lines)])


def _summary(entry: Entry) -> str:
    """The first sentence of its description."""
    return re.split(r"(?<=[.?]) (?=[A-Z])", entry.description, maxsplit=1)[0]


def _plain(entry: Entry) -> Row:
    return entry.name, _summary(entry)


def _mixture(entry: Entry) -> Row:
    members = registry.mixture(entry.name).items()
    shown = "+".join(name if weight is None else f"{name}:{weight:g}" for name, weight in members)
    return entry.name, _summary(entry), shown


def _problem(entry: Entry) -> Row:
    try:
        problem = registry.problem(entry.name)
    except (UserError, registry.RegistryError) as error:
        return entry.name, "can't be used", str(error)
    return entry.name, f"{_side(problem.inputs)} -> {_side(problem.targets)}", _summary(entry)


def _side(spec: Any) -> str:
    """Modality and what distinguishes its nets: "language (wmt_8k)", "image"."""
    detail = spec.net_name().removeprefix(spec.kind).strip("_")
    return f"{spec.kind} ({detail})" if detail else spec.kind


def _range(entry: Entry) -> Row:
    try:
        space = str(ranges.read(entry.name))
    except (UserError, registry.RegistryError):  # perhaps of fields that a model brings
        space = ""
    return entry.name, _summary(entry), space


def _metric(entry: Entry) -> Row:
    metric = registry.metric(entry.name)
    better = "higher is better" if metric.higher_is_better else "lower is better"
    return entry.name, metric.unit, better, _summary(entry)


def _own_hparams(entry: Entry) -> str:
    """The fields that a model adds to HParams."""
    described = hparams_files.class_of(entry.name)().describe().splitlines()
    own = [line for line in described if line.split(maxsplit=1)[0] not in HParams.fields()]
    return _lines(f"Hparams of the model {entry.name}", own)
