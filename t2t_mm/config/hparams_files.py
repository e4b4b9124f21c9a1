"""How a run's HParams are put together (set, then gin, then --hparams), and kept beside its
checkpoints."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from t2t_mm import files, records, registry
from t2t_mm.config import gin_values
from t2t_mm.config.hparams import HParams, parse_overrides
from t2t_mm.errors import UserError

JSON_FILE = "hparams.json"
GIN_FILE = "config.gin"
DEFAULT_SET = "multimodel_tiny"
REGISTERED = ("optimizer", "schedule")  # fields whose values are names of the registry
REMEDY = "Restore it from a backup, or use another --output_dir."


def class_of(model: str | None) -> type[HParams]:
    """The class of the hyperparameters of a registered model; HParams if it has no fields of its
    own."""
    cls = (registry.hparams_class(model) if model else None) or HParams
    if not issubclass(cls, HParams) or "__dataclass_fields__" not in vars(cls):
        raise UserError(
            f"{model}: {cls.__name__}, the class of its hyperparameters, has to be a dataclass "
            "(@dataclasses.dataclass(frozen=True)) that extends HParams"
        )
    return cls


def default_set(model: str) -> str:
    """The set of a model where none is named: `<model>_tiny`; without that, `multimodel_tiny`."""
    own = f"{model}_tiny"
    return own if own in registry.list_hparams() else DEFAULT_SET


def resolve(
    hparams_set: str | HParams,
    gin_files: Sequence[str] = (),
    gin_bindings: Sequence[str] = (),
    overrides: str = "",
    model: str | None = None,
) -> HParams:
    """The HParams of a run: the set, then the gin files, then the gin bindings, then `overrides`.

    Args:
        hparams_set: "set" or "set+modifier+modifier"; or HParams.
        gin_files: gin files that bind parameters of `hparams`.
        gin_bindings: single bindings, "hparams.hidden_size=256".
        overrides: "hidden_size=256,dropout=0.2".
        model: the registered model, which may have fields of its own. None: the fields of the set.

    Raises RegistryError for an unknown set, modifier, model, optimizer or schedule, UserError for
    everything else.
    """
    given = hparams_set
    hparams = given if isinstance(given, HParams) else registry.hparams(given)
    if not isinstance(hparams, HParams):
        raise UserError(f"hparams set '{given}': expected it to return an HParams, not {hparams!r}")
    if model:
        hparams = _of_class(hparams, class_of(model), model)
    cls = type(hparams)
    # in one go, so that fields which must agree may come from different places
    changes = {**_gin_values(cls, gin_files, gin_bindings), **parse_overrides(overrides, cls)}
    hparams = hparams.replace(**changes)
    for kind in REGISTERED:
        registry.find(kind, getattr(hparams, kind))  # refuses a name that is unknown
    return hparams


def _of_class(hparams: HParams, cls: type[HParams], model: str) -> HParams:
    """The same values in the class of a model's hyperparameters."""
    foreign = [name for name in hparams.fields() if name not in cls.fields()]
    if foreign:
        raise UserError(
            f"the hparams set has {', '.join(foreign)}, which the model {model} lacks: give "
            "--model, the one that the set is for"
        )
    return hparams if type(hparams) is cls else cls(**hparams.to_dict())


def _gin_values(
    cls: type[HParams], gin_files: Sequence[str], bindings: Sequence[str]
) -> dict[str, Any]:
    """What gin binds to `hparams`."""
    for file in gin_files:
        if not os.path.isfile(file):
            raise UserError(f"--gin_file: expected a gin file, but there is none at {file}")
    for binding in bindings:  # without "hparams." gin takes it for a macro, and changes nothing
        if binding.partition("=")[0].strip() in cls.fields():
            raise UserError(f"--gin_bindings: '{binding}' should be 'hparams.{binding}'")
    return gin_values.read(gin_files, bindings, cls.fields())


def to_json(hparams: HParams) -> str:
    """All fields as a JSON object."""
    return json.dumps(hparams.to_dict(), indent=2) + "\n"


def from_json(text: str, cls: type[HParams] = HParams) -> HParams:
    """Back from `to_json`. A field that the text hasn't got has its default; an unknown one is an
    error."""
    values = json.loads(text)
    if not isinstance(values, dict):
        raise UserError("it holds no fields")
    return cls().replace(**values)


def to_gin(hparams: HParams) -> str:
    """A gin file that sets every field: whatever set it is applied to, it gives these HParams."""
    return "".join(f"hparams.{name} = {value!r}\n" for name, value in hparams.to_dict().items())


def save(hparams: HParams, output_dir: str | os.PathLike) -> None:
    """Writes `hparams.json` and `config.gin` into `output_dir`, each replaced at once."""
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    files.write_text(folder / JSON_FILE, to_json(hparams))
    files.write_text(folder / GIN_FILE, to_gin(hparams))


def load(output_dir: str | os.PathLike, model: str | None = None) -> HParams:
    """The HParams that `save` wrote.

    Args:
        output_dir: where.
        model: the registered model of the run, which may have fields of its own.

    Raises UserError if there are none, or they can't be read; RegistryError for an unknown model.
    """
    path, cls = Path(output_dir, JSON_FILE), class_of(model)
    if not os.path.lexists(path):
        raise UserError(
            f"expected a trained model in {output_dir}, but it has no {JSON_FILE}. {REMEDY}"
        )
    values = records.read_json(path, remedy=REMEDY)
    try:
        return cls().replace(**values)
    except UserError as error:
        raise UserError(f"{path} can't be read: {error}. {REMEDY}") from error
