"""`--registry_help`: everything that is registered, each with one line."""

from t2t_mm import registry
from t2t_mm.config.hparams import HParams
from t2t_mm.errors import UserError


def text() -> str:
    """The list, as aligned plain text. Imports neither TensorFlow nor any data set."""
    sections = [
        _section(
            "Problems (--problems=a+b:2; a_rev swaps sides, a_copy copies inputs)",
            "problem",
            _problem,
        ),
        _section("Mixtures (--problems=name)", "mixture", _mixture),
        _section("Hparams sets (--hparams_set=name)", "hparams set", _plain),
        _section("Hparams modifiers (--hparams_set=set+modifier)", "hparams modifier", _plain),
        _section("Hparams search spaces", "ranged hparams", _plain),
        _section("Models (--model=name)", "model", _plain),
        _lines(
            "Hparams and their defaults (--hparams=name=value,...)",
            HParams().describe().splitlines(),
        ),
    ]
    return "\n\n".join(filter(None, sections))


def _section(title: str, kind: str, row) -> str:
    """Title and aligned columns, one row an entry; nothing at all if there are no entries."""
    rows = [row(entry) for entry in registry.entries(kind)]
    if not rows:
        return ""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return _lines(title, ("  ".join(map(str.ljust, cells, widths)) for cells in rows))


def _lines(title: str, lines) -> str:
    return "\n".join([title, *(f"  {line.rstrip()}" for line in lines)])


def _plain(entry):
    return entry.name, entry.description


def _mixture(entry):
    members = registry.mixture(entry.name).items()
    told = "+".join(name if weight is None else f"{name}:{weight:g}" for name, weight in members)
    return entry.name, entry.description, told


def _problem(entry):
    try:
        problem = registry.problem(entry.name)
    except (UserError, registry.RegistryError) as error:
        return entry.name, "can't be used", str(error)
    return entry.name, f"{_side(problem.inputs)} -> {_side(problem.targets)}", entry.description


def _side(feature) -> str:
    """Modality and what tells its nets apart: "language (wmt_8k)", "image"."""
    detail = feature.net_name().removeprefix(feature.kind).strip("_")
    return f"{feature.kind} ({detail})" if detail else feature.kind
