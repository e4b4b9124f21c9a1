"""Names -> problems, hparams sets, models, modalities, readers, metrics, optimizers, ...

    @registry.register_problem
    class GumParse(TreeProblem):                 # is now called gum_parse
        \"\"\"English constituency parsing on the GUM corpus.\"\"\"

    registry.problem("gum_parse_rev")            # an instance, inputs and targets swapped
    registry.hparams("multimodel_base+no_moe")   # a set, changed by a modifier
    registry.metric("bleu").higher_is_better     # True

The built-in things of a kind are loaded when that kind is first asked for; a user's own are loaded
from a directory in the same way. Nothing heavy is imported, and nothing of the house but `loading`.
"""

import dataclasses
import difflib
import functools
import os
import re
import sys
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, overload

from t2t_mm import loading

T = TypeVar("T", bound=Callable)


class _Kind(NamedTuple):
    namespace: str  # kinds that stand side by side on one flag share it: a name is one thing there
    home: str  # what registers the built-in ones, as `loading.import_built_in` takes it
    base: str = ""  # the class of t2t_mm that it extends, if it is a class
    member: str = "__doc__"  # what that class gives it
    label: str = ""  # the attribute of a class that holds its name


KINDS = {
    "problem": _Kind("problems", "t2t_mm.problems", "Problem", "check"),
    "mixture": _Kind("problems", "t2t_mm.problems"),
    "hparams set": _Kind("hparams", "t2t_mm.hparams_sets"),
    "hparams modifier": _Kind("hparams", "t2t_mm.hparams_sets"),
    "ranged hparams": _Kind("ranged", "t2t_mm.hparams_sets"),
    "model": _Kind("models", "t2t_mm.hparams_sets"),
    "modality": _Kind("modalities", "t2t_mm.modalities.*.spec", "Modality", "net", "kind"),
    "reader": _Kind("readers", "t2t_mm.data.readers.*", "Reader", "loader", "layout"),
    "metric": _Kind("metrics", "t2t_mm.evaluation.metrics.*", "Metric", "higher_is_better", "name"),
    "optimizer": _Kind("optimizers", "t2t_mm.training.optimizers"),
    "schedule": _Kind("schedules", "t2t_mm.training.schedules"),
    "study": _Kind("studies", "t2t_mm.studies.built_in.*"),
}
PROBLEM_MODIFIERS = {"_rev": "reversed", "_copy": "copied"}  # suffix -> method of Problem
_HELP = "`t2t_mm_trainer.py --registry_help` lists what there is"

_entries: dict[str, dict[str, "Entry"]] = {kind.namespace: {} for kind in KINDS.values()}
_loaded: set[str] = set()


class RegistryError(ValueError):
    """A name that is unknown, taken or ill-formed, or a catalogue file that can't be loaded."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One registered thing and where it was registered ("file:line")."""

    kind: str
    name: str
    value: Any
    place: str
    hparams: type | None = None  # of a model: the class of its hyperparameters, if it has its own

    @property
    def description(self) -> str:
        """The first paragraph of its own docstring, in one line."""
        return " ".join((self.value.__doc__ or "").strip().partition("\n\n")[0].split())


class Register:
    """A decorator, used with a name, or bare: then the name is the class's own, in snake case."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    @overload
    def __call__(self, value: T, /) -> T: ...
    @overload
    def __call__(self, name: str | None = ..., /, **options: Any) -> Callable[[T], T]: ...
    def __call__(self, name: Any = None, /, **options: Any) -> Any:
        if name is None or isinstance(name, str):
            return lambda value: _add(self._kind, value, name, **options)
        return _add(self._kind, name)


register_problem = Register("problem")  # a Problem class
register_mixture = Register("mixture")  # a function -> {name: weight} or names, of mixtures too
register_hparams = Register("hparams set")  # a function -> HParams
register_hparams_modifier = Register("hparams modifier")  # a function HParams -> HParams
register_ranged_hparams = Register("ranged hparams")  # a function -> {field: Range, list or value}
# A model's class, or a function that imports and returns it, so that names don't cost Keras.
# `hparams=`: a dataclass that extends HParams by fields of the model's own.
register_model = Register("model")
register_modality = Register("modality")  # a Modality class; its `kind` is its name
register_reader = Register("reader")  # a Reader class, named as problems' `raw_layout`
register_metric = Register("metric")  # a Metric class; its `name` is its name
register_optimizer = Register("optimizer")  # a function HParams -> unbuilt Keras optimizer
# A function (progress from 0 to 1, step, steps of warm-up) -> share of the peak learning rate.
register_schedule = Register("schedule")
register_study = Register("study")  # a function studies.study.Setup -> Study


def snake_case(name: str) -> str:
    """`WmtEnde` -> `wmt_ende`, `MSCoco` -> `ms_coco`, `T2TThing` -> `t2t_thing`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z0-9])(?=[A-Z][a-z])", "_", name).lower()


def _add(kind: str, value: Any, name: str | None = None, hparams: type | None = None) -> Any:
    """Registers `value`. The line that errors name is that of the caller's caller."""
    namespace, home, base, member, label = KINDS[kind]
    caller = sys._getframe(2)
    place = f"{caller.f_code.co_filename}:{caller.f_lineno}"
    name = name or getattr(value, "__dict__", {}).get(label) or snake_case(value.__name__)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_]*", name):
        raise RegistryError(
            f"{place}: a registered name is made of a-z, 0-9 and _, but this {kind} is called "
            f"'{name}'; give another, as in @registry.register_{kind.split()[0]}(\"my_name\")"
        )
    if base and not isinstance(value, type):
        raise RegistryError(f"{place}: a {kind} is a class, but '{name}' is {value!r}")
    if not hasattr(value, member):
        raise RegistryError(f"{place}: '{name}' has to be a subclass of t2t_mm.{base}")
    if not value.__module__.startswith(home.partition(".*")[0]):
        _load_kind(kind)  # so that taking a built-in's name is an error here, and not later on
    entry = Entry(kind, name, value, place, hparams)
    before = _entries[namespace].get(name)
    if before and not _same_definition(before, entry):
        raise RegistryError(
            f"the name '{name}' is registered twice: as a {before.kind} at {before.place} and as a "
            f"{kind} at {place}; rename one of them"
        )
    if label:
        setattr(value, label, name)
    _entries[namespace][name] = entry
    return value


def _same_definition(before: Entry, after: Entry) -> bool:
    """Whether `after` is the same code run again: of a file loaded again, or of a notebook's cell.

    A cell's file name and lines change with its text: there, `__main__` and one name must do.
    """
    old, new = before.value, after.value
    if before.kind != after.kind or old.__qualname__ != new.__qualname__:
        return False
    in_notebook = not hasattr(sys.modules["__main__"], "__file__")
    both_in_main = old.__module__ == new.__module__ == "__main__"
    return before.place == after.place or (in_notebook and both_in_main)


def problem(name: str) -> Any:
    """A fresh instance of the problem, its `name` set.

    A name that isn't registered itself may end in modifiers, each at most once: `wmt_ende_rev_copy`
    is `wmt_ende` reversed, then copied. Whether it allows one is the problem's own to say.
    """
    stem, suffixes = _split_modifiers(name)
    instance = find("problem", stem, asked=name).value()
    instance.name = stem
    instance.check()
    for i, suffix in enumerate(suffixes):
        instance = getattr(instance, PROBLEM_MODIFIERS[suffix])()
        instance.name = stem + "".join(suffixes[: i + 1])
    return instance


def mixture(name: str) -> dict[str, float | None]:
    """Member -> weight (None: no weight of its own), as the mixture declares them."""
    members = find("mixture", name).value()
    return dict(members) if isinstance(members, dict) else dict.fromkeys(members)


def hparams(name: str) -> Any:
    """The HParams of a set, or of "set+modifier+modifier", modified from left to right."""
    first, *modifiers = [part.strip() for part in name.split("+")]
    value = find("hparams set", first).value()
    for modifier in modifiers:
        value = find("hparams modifier", modifier).value(value)
    return value


def model(name: str) -> type:
    """The class of a registered model; imports Keras."""
    value = find("model", name).value
    return value if isinstance(value, type) else value()


def hparams_class(model: str) -> type | None:
    """The class of a model's hyperparameters; None if it has no fields of its own."""
    return find("model", model).hparams


def _value(kind: str, name: str, call: bool = False) -> Any:
    value = find(kind, name).value
    return value() if call else value


problem_class = functools.partial(_value, "problem")  # without modifiers
modality = functools.partial(_value, "modality")  # -> class
reader = functools.partial(_value, "reader")  # -> class
optimizer = functools.partial(_value, "optimizer")  # -> function
schedule = functools.partial(_value, "schedule")  # -> function
metric = functools.partial(_value, "metric", call=True)  # -> instance
ranged_hparams = functools.partial(_value, "ranged hparams", call=True)  # -> dict


def entries(kind: str) -> list[Entry]:
    """All registered things of a kind (one of KINDS), sorted by name."""
    _load_kind(kind)
    found = (entry for entry in _entries[KINDS[kind].namespace].values() if kind == entry.kind)
    return sorted(found, key=lambda entry: entry.name)


def names(kind: str) -> list[str]:
    """The names of all registered things of a kind, sorted."""
    return [entry.name for entry in entries(kind)]


list_problems = functools.partial(names, "problem")  # `_rev` and `_copy` come on top
list_mixtures = functools.partial(names, "mixture")
list_hparams = functools.partial(names, "hparams set")
list_hparams_modifiers = functools.partial(names, "hparams modifier")
list_ranged_hparams = functools.partial(names, "ranged hparams")
list_models = functools.partial(names, "model")
list_modalities = functools.partial(names, "modality")
list_readers = functools.partial(names, "reader")
list_metrics = functools.partial(names, "metric")
list_optimizers = functools.partial(names, "optimizer")
list_schedules = functools.partial(names, "schedule")
list_studies = functools.partial(names, "study")


def _split_modifiers(name: str) -> tuple[str, list[str]]:
    """ "wmt_ende_rev_copy" -> ("wmt_ende", ["_rev", "_copy"]); a registered name stays as it is."""
    _load_kind("problem")
    stem, suffixes = name, list[str]()
    while stem not in _entries["problems"]:
        suffix = next((s for s in PROBLEM_MODIFIERS if stem.endswith(s)), None)
        if suffix is None:
            break
        if suffix in suffixes:
            raise RegistryError(f"'{name}' says {suffix} twice; each modifier can be used once")
        stem, suffixes = stem.removesuffix(suffix), [suffix, *suffixes]
    return stem, suffixes


def find(kind: str, name: str, asked: str = "") -> Entry:
    """The entry of a name; RegistryError with the nearest names to `asked` if there is none."""
    _load_kind(kind)
    entry = _entries[KINDS[kind].namespace].get(name)
    if entry and kind == entry.kind:
        return entry
    asked = asked or name
    if entry:
        found = f"'{asked}' names a {entry.kind} ({entry.place}) where a {kind} is wanted"
        raise RegistryError(f"{found}; {_HELP}")
    if len(asked) > 100:  # no name, but a text that came in its place
        raise RegistryError(f"unknown {kind} '{asked[:80]}...'. {_HELP}")
    close = difflib.get_close_matches(name, names(kind), n=3)
    near = [each + asked.removeprefix(name) for each in close]
    hint = f"did you mean {' or '.join(near)}?" if near else f"no {kind} has a similar name."
    raise RegistryError(f"unknown {kind} '{asked}': {hint} {_HELP}")


def load_directory(path: str) -> None:
    """Imports every *.py file of a directory, so that what they register is known.

    The directory is a package, whether or not it has an `__init__.py`: its files import each other
    with `from .other import thing`. Loading one twice does nothing.

    Raises RegistryError if there is no such directory, and for an exception in a file, with file
    and line.
    """
    path = os.path.realpath(os.path.expanduser(path))
    if not os.path.isdir(path):
        raise RegistryError(f"--t2t_usr_dir: expected a directory of Python files at {path}")
    package = loading.package_name(path)
    _load(package, functools.partial(loading.import_directory, path, package))


def _load_kind(kind: str) -> None:
    home = KINDS[kind].home
    _load(home, functools.partial(loading.import_built_in, home))


def _load(what: str, load: Callable[[], None]) -> None:
    if what in _loaded:
        return
    _loaded.add(what)  # first, since the files being loaded may look names up
    try:
        load()
    except ImportError as error:
        _loaded.discard(what)  # a file that has been mended is tried again
        raise RegistryError(str(error)) from error
