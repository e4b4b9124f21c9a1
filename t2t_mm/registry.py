"""Names -> problems, mixtures, hparams sets and modifiers, models.

    @registry.register_problem
    class GumParse(TreeProblem):                 # is now called gum_parse
        \"\"\"English constituency parsing on the GUM corpus.\"\"\"

    registry.problem("gum_parse_rev")            # an instance, inputs and targets swapped
    registry.hparams("multimodel_base+no_moe")   # a set, changed by a modifier
    registry.parse_problems("gum_parse:2+mini8") # {"gum_parse": 2.0, "mini_ende": 1.0, ...}

The built-in catalogues (`problems/` and `hparams/` of the checkout) are read at the first look-up,
just as `load_directory` reads a user's own. Nothing heavy is imported, and nothing of the house but
`loading`.
"""

import dataclasses
import difflib
import math
import os
import re
import sys
from collections.abc import Callable, Iterable

from t2t_mm import loading

# Built-in catalogues: package -> folder of the checkout that setup.py maps to it.
_CATALOGUES = {"t2t_mm.problems": "problems", "t2t_mm.hparams_sets": "hparams"}
# Kinds that stand side by side on one flag share a namespace, so that a name means one thing there.
_NAMESPACES = {
    "problem": "problems",
    "mixture": "problems",
    "hparams set": "hparams",
    "hparams modifier": "hparams",
    "ranged hparams": "ranged",
    "model": "models",
}
# Suffix of a problem's name -> the method that makes the modified problem.
PROBLEM_MODIFIERS = {"_rev": "reversed", "_copy": "copied"}
_HELP = "`t2t_mm_trainer.py --registry_help` lists what there is"

_entries: dict[str, dict[str, "Entry"]] = {namespace: {} for namespace in _NAMESPACES.values()}
_loaded: set[str] = set()


class RegistryError(ValueError):
    """A name that is unknown, taken or ill-formed, or a catalogue file that can't be loaded."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One registered thing and where it was registered ("file:line")."""

    kind: str
    name: str
    value: Callable
    place: str

    @property
    def description(self) -> str:
        """The first line of its own docstring."""
        return (self.value.__doc__ or "").strip().partition("\n")[0]


# ----------------------------------------------------------------------------------------------
# registering


def register_problem(name=None):
    """Registers a Problem class. Usable bare or with a name; a bare class is named in snake
    case."""
    return _decorator("problem", name)


def register_mixture(name=None):
    """Registers a function that returns the mixture's members: a list of names, or a dict of name
    -> weight.

    A member is anything that `--problems` takes: a problem, a modified problem, another mixture.
    """
    return _decorator("mixture", name)


def register_hparams(name=None):
    """Registers a function without arguments that returns an HParams: a named set."""
    return _decorator("hparams set", name)


def register_hparams_modifier(name=None):
    """Registers a function HParams -> HParams, called by `--hparams_set=<set>+<modifier>`."""
    return _decorator("hparams modifier", name)


def register_ranged_hparams(name=None):
    """Registers a function without arguments that returns {field: values to search}."""
    return _decorator("ranged hparams", name)


def register_model(name=None):
    """Registers a model: its class, or a function that imports and returns it.

    The function form lets a catalogue name a model without paying for Keras before somebody asks
    for it.
    """
    return _decorator("model", name)


def snake_case(name: str) -> str:
    """`WmtEnde` -> `wmt_ende`, `MSCoco` -> `ms_coco`, `T2TThing` -> `t2t_thing`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z0-9])(?=[A-Z][a-z])", "_", name).lower()


def _decorator(kind, name):
    def register(value, name=None, depth=1):
        caller = sys._getframe(depth + 1)
        place = f"{caller.f_code.co_filename}:{caller.f_lineno}"
        _add(Entry(kind, name or snake_case(value.__name__), value, place))
        return value

    if name is None or isinstance(name, str):
        return lambda value: register(value, name)
    return register(name, depth=2)  # bare: what came is the thing itself


def _add(entry: Entry):
    if not re.fullmatch(r"[a-z0-9][a-z0-9_]*", entry.name):
        raise RegistryError(
            f"{entry.place}: a registered name is made of a-z, 0-9 and _, but this {entry.kind} "
            "is called "
            f"'{entry.name}'; give another, as in @registry.register_problem(\"my_name\")"
        )
    if entry.kind == "problem" and not isinstance(entry.value, type):
        raise RegistryError(
            f"{entry.place}: a problem is a class, but '{entry.name}' is {entry.value!r}"
        )
    table = _entries[_NAMESPACES[entry.kind]]
    before = table.get(entry.name)
    if before and not _same_definition(before, entry):
        raise RegistryError(
            f"the name '{entry.name}' is registered twice: as a {before.kind} at {before.place} "
            "and as a "
            f"{entry.kind} at {entry.place}; rename one of them"
        )
    table[entry.name] = entry


def _same_definition(before: Entry, after: Entry) -> bool:
    """Whether `after` is the same piece of code run again, which replaces rather than clashes.

    That is so for a file loaded again, and for a notebook cell edited and run again: then both
    definitions are made in `__main__` under one name (a cell's file name and lines change with its
    text).
    """

    if before.kind != after.kind or _qualname(before) != _qualname(after):
        return False
    in_notebook = after.value.__module__ == "__main__" and not hasattr(
        sys.modules["__main__"], "__file__"
    )
    return before.place == after.place or (before.value.__module__ == "__main__" and in_notebook)


def _qualname(entry: Entry):
    return getattr(entry.value, "__qualname__", None)


# ----------------------------------------------------------------------------------------------
# looking up


def problem(name: str):
    """A fresh instance of the problem, its `name` set.

    A name that isn't registered itself may end in modifiers, each at most once: `wmt_ende_rev` is
    `wmt_ende` reversed, `wmt_ende_rev_copy` that copied. Whether it allows one is the problem's own
    to say.
    """
    stem, suffixes = _split_modifiers(name)
    entry = _find("problem", stem, asked=name)
    if not hasattr(entry.value, "check"):
        raise RegistryError(
            f"{entry.place}: '{stem}' has to be a subclass of t2t_mm.problem.Problem"
        )
    instance = entry.value()
    instance.name = stem
    instance.check()
    for i, suffix in enumerate(suffixes):
        instance = getattr(instance, PROBLEM_MODIFIERS[suffix])()
        instance.name = stem + "".join(suffixes[: i + 1])
    return instance


def problem_class(name: str) -> type:
    """The registered class of a problem (without modifiers)."""
    return _find("problem", name).value


def mixture(name: str) -> dict[str, float | None]:
    """Member -> weight (None: no weight of its own), as the mixture declares them."""
    members = _find("mixture", name).value()
    return dict(members) if isinstance(members, dict) else dict.fromkeys(members)


def hparams(name: str):
    """The HParams of a set, or of "set+modifier+modifier", modified from left to right."""
    first, *modifiers = [part.strip() for part in name.split("+")]
    value = _find("hparams set", first).value()
    for modifier in modifiers:
        value = _find("hparams modifier", modifier).value(value)
    return value


def ranged_hparams(name: str):
    """{field: values to search} of a registered search space."""
    return _find("ranged hparams", name).value()


def model(name: str) -> type:
    """The class of a registered model; imports Keras."""
    value = _find("model", name).value
    return value if isinstance(value, type) else value()


def entries(kind: str) -> list[Entry]:
    """All registered things of a kind ("problem", "mixture", "hparams set", ...), sorted by
    name."""
    _load_catalogues()
    return sorted(
        (entry for entry in _entries[_NAMESPACES[kind]].values() if entry.kind == kind),
        key=lambda e: e.name,
    )


def list_problems() -> list[str]:
    """Names of all problems, sorted; `_rev` and `_copy` come on top."""
    return [entry.name for entry in entries("problem")]


def list_mixtures() -> list[str]:
    """Names of all mixtures, sorted."""
    return [entry.name for entry in entries("mixture")]


def list_hparams() -> list[str]:
    """Names of all hparams sets, sorted."""
    return [entry.name for entry in entries("hparams set")]


def list_hparams_modifiers() -> list[str]:
    """Names of all hparams modifiers, sorted."""
    return [entry.name for entry in entries("hparams modifier")]


def list_ranged_hparams() -> list[str]:
    """Names of all hparams search spaces, sorted."""
    return [entry.name for entry in entries("ranged hparams")]


def list_models() -> list[str]:
    """Names of all models, sorted."""
    return [entry.name for entry in entries("model")]


def _split_modifiers(name: str) -> tuple[str, list[str]]:
    """("wmt_ende_rev_copy") -> ("wmt_ende", ["_rev", "_copy"]); a registered name is never taken
    apart."""
    _load_catalogues()
    stem, suffixes = name, []
    while stem not in _entries["problems"]:
        suffix = next((s for s in PROBLEM_MODIFIERS if stem.endswith(s)), None)
        if suffix is None:
            break
        if suffix in suffixes:
            raise RegistryError(f"'{name}' says {suffix} twice; each modifier can be used once")
        stem, suffixes = stem.removesuffix(suffix), [suffix, *suffixes]
    return stem, suffixes


def _find(kind: str, name: str, asked: str | None = None) -> Entry:
    _load_catalogues()
    entry = _entries[_NAMESPACES[kind]].get(name)
    if entry is None or entry.kind != kind:
        raise RegistryError(_unknown(kind, name, asked or name, entry))
    return entry


def _unknown(kind: str, name: str, asked: str, other: Entry | None) -> str:
    if other is not None:
        return f"'{asked}' names a {other.kind} ({other.place}) where a {kind} is wanted; {_HELP}"
    names = [entry.name for entry in _entries[_NAMESPACES[kind]].values() if entry.kind == kind]
    near = [
        found + asked.removeprefix(name) for found in difflib.get_close_matches(name, names, n=3)
    ]
    hint = f"did you mean {' or '.join(near)}?" if near else f"no {kind} has a name like it."
    return f"unknown {kind} '{asked}': {hint} {_HELP}"


# -------------------------------------------------------------------------------------------------
# --problems


def parse_problems(text: str) -> dict[str, float | None]:
    """The value of `--problems` -> {problem name: weight}, in the order given.

    Names are joined with `+`; `:w` after a name is its weight; a mixture stands for its members.
    When no weight is given anywhere, all are None and `hparams.mix` sets the rates. Otherwise all
    are numbers, and what has no weight weighs 1. A weight on a mixture is that of the whole, shared
    by its members.

    Raises RegistryError for an unknown name, a weight that isn't positive, and a problem that is
    named twice.
    """
    weights: dict[str, float | None] = {}
    origin: dict[str, str] = {}
    for part in text.split("+"):
        name, colon, weight = (piece.strip() for piece in part.partition(":"))
        if not name or "," in name:
            raise RegistryError(
                f"--problems='{text}': names are joined with +, as in wmt_ende:2+imagenet"
            )
        for member, share in _expand(
            name, _weight(weight, part) if colon else None, within=()
        ).items():
            if member in weights:
                raise RegistryError(
                    f"--problems='{text}': {member} is named twice, by {origin[member]} and by "
                    f"{name}; "
                    "name it once, with a weight if it should come more often"
                )
            weights[member], origin[member] = share, name
    return _complete(weights)


def _weight(text, where) -> float:
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 < value < math.inf:
        raise RegistryError(f"'{where}': a weight is a positive number, not '{text}'")
    return value


def _expand(name: str, weight: float | None, within: Iterable[str]) -> dict[str, float | None]:
    """{problem: weight} of one problem or mixture; `within` holds the mixtures around it."""
    entry = _entries["problems"].get(_split_modifiers(name)[0])
    if entry is None or entry.kind != "mixture" or entry.name != name:
        problem(name)  # raises if unknown
        return {name: weight}
    if name in within:
        raise RegistryError(f"{entry.place}: the mixture '{name}' contains itself")
    members: dict[str, float | None] = {}
    for member, own in mixture(name).items():
        own = None if own is None else _weight(own, f"{name}: {member}")
        for problem_name, share in _expand(member, own, (*within, name)).items():
            if problem_name in members:
                raise RegistryError(
                    f"{entry.place}: the mixture '{name}' names {problem_name} twice"
                )
            members[problem_name] = share
    if weight is None:
        return members
    members = {member: 1.0 if share is None else share for member, share in members.items()}
    return {member: weight * share / sum(members.values()) for member, share in members.items()}


def _complete(weights: dict[str, float | None]) -> dict[str, float | None]:
    if all(weight is None for weight in weights.values()):
        return weights
    return {name: 1.0 if weight is None else weight for name, weight in weights.items()}


# -------------------------------------------------------------------------------------------------
# catalogues


def load_directories(paths: str):
    """Loads the directories of `--t2t_usr_dir`: one, or several joined with commas."""
    for path in filter(None, (path.strip() for path in paths.split(","))):
        load_directory(path)


def load_directory(path: str):
    """Imports every *.py file of a directory, so that what they register is known.

    The directory is a package, whether or not it has an `__init__.py`: its files import each other
    with `from .other import thing`. Loading one twice does nothing.

    Raises RegistryError if there is no such directory, and for an exception in a file, with file
    and line.
    """
    _load_catalogues()
    path = os.path.realpath(os.path.expanduser(path))
    if not os.path.isdir(path):
        raise RegistryError(f"--t2t_usr_dir: expected a directory of Python files at {path}")
    _load(path, loading.package_name(path))


def _load_catalogues():
    here = os.path.dirname(os.path.realpath(__file__))
    for package, folder in _CATALOGUES.items():
        installed = os.path.join(here, package.rpartition(".")[2])
        _load(
            installed if os.path.isdir(installed) else os.path.join(os.path.dirname(here), folder),
            package,
        )


def _load(path: str, package: str):
    if package in _loaded:
        return
    _loaded.add(package)  # first, since the files being loaded may look names up
    try:
        loading.import_directory(path, package)
    except ImportError as error:
        _loaded.discard(package)  # a file that has been mended is tried again
        raise RegistryError(str(error)) from error
