"""How a run's HParams are put together (set, then gin, then --hparams), and kept beside its
checkpoints."""

import functools
import json
import os
import re
from collections.abc import Sequence

from t2t_mm import registry
from t2t_mm.config.hparams import HParams, parse_overrides
from t2t_mm.errors import UserError

JSON_FILE = "hparams.json"
GIN_FILE = "config.gin"


def resolve(
    hparams_set,
    gin_files: Sequence[str] = (),
    gin_bindings: Sequence[str] = (),
    overrides: str = "",
) -> HParams:
    """The HParams of a run: the set, then the gin files, then the gin bindings, then `overrides`.

    Args:
        hparams_set: "set" or "set+modifier+modifier"; or HParams.
        gin_files: gin files that bind parameters of `hparams`.
        gin_bindings: single bindings, "hparams.hidden_size=256".
        overrides: "hidden_size=256,dropout=0.2".

    Raises RegistryError for an unknown set or modifier, UserError for everything else.
    """
    hparams = hparams_set if isinstance(hparams_set, HParams) else registry.hparams(hparams_set)
    if not isinstance(hparams, HParams):
        raise UserError(
            f"hparams set '{hparams_set}': expected it to return an HParams, not {hparams!r}"
        )
    # in one go, so that fields which must agree may come from different places
    return hparams.replace(**{**_gin_values(gin_files, gin_bindings), **parse_overrides(overrides)})


def _gin_values(files, bindings) -> dict:
    """What gin binds to `hparams`; bindings of an earlier run, as in a notebook, are forgotten."""
    if not files and not bindings:
        return {}
    for file in files:
        if not os.path.isfile(file):
            raise UserError(f"--gin_file: expected a gin file, but there is none at {file}")
    for binding in bindings:
        name = binding.partition("=")[0].strip()
        if (
            name in HParams.__dataclass_fields__
        ):  # gin would take it for a macro, and change nothing
            raise UserError(f"--gin_bindings: '{binding}' should be 'hparams.{binding}'")

    import gin

    gin.clear_config()
    configurable = _gin_configurable()
    try:
        gin.parse_config_files_and_bindings(list(files), list(bindings))
        bound = configurable()
    except (ValueError, SyntaxError, TypeError, ImportError, AttributeError, OSError) as error:
        message = " ".join(str(error).split())
        raise UserError(f"gin: {message}; bindings look like hparams.hidden_size=256") from error
    _refuse_what_binds_nothing(gin.config_str(), bound)
    return bound


def _refuse_what_binds_nothing(config, bound):
    """Refuses, in what gin has read, a field without `hparams.` (a macro to gin) and one with a
    scope."""
    for name in re.findall(r"^(\w+) = ", config, re.MULTILINE):
        if name in HParams.__dataclass_fields__ and name not in bound:
            raise UserError(
                f"gin: '{name} = ...' changes nothing; it should be 'hparams.{name} = ...'"
            )
    for scoped in re.findall(r"^(\S+/(?:t2t_mm\.)?hparams\.\w+) = ", config, re.MULTILINE):
        raise UserError(
            f"gin: '{scoped} = ...' changes nothing; it should be '{scoped.rpartition('/')[2]} = "
            "...'"
        )


@functools.cache
def _gin_configurable():
    """The function that gin knows as `hparams`: called, it returns what is bound to its
    parameters."""
    import gin

    def hparams(**bound):
        return bound

    return gin.external_configurable(hparams, module="t2t_mm")


def to_json(hparams: HParams) -> str:
    """All fields as a JSON object."""
    return json.dumps(hparams.to_dict(), indent=2) + "\n"


def from_json(text: str) -> HParams:
    """Back from `to_json`. A field that the text hasn't got has its default; an unknown one is an
    error."""
    values = json.loads(text)
    if not isinstance(values, dict):
        raise UserError("it holds no fields")
    return HParams().replace(**values)


def to_gin(hparams: HParams) -> str:
    """A gin file that sets every field: whatever set it is applied to, it gives these HParams."""
    return "".join(f"hparams.{name} = {value!r}\n" for name, value in hparams.to_dict().items())


def save(hparams: HParams, output_dir: str):
    """Writes `hparams.json` and `config.gin` into `output_dir`; a file is there whole or as it was
    before."""
    os.makedirs(output_dir, exist_ok=True)
    for name, text in ((JSON_FILE, to_json(hparams)), (GIN_FILE, to_gin(hparams))):
        path = os.path.join(output_dir, name)
        with open(path + ".tmp", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(path + ".tmp", path)


def load(output_dir: str) -> HParams:
    """The HParams that `save` wrote. UserError if there are none, or they can't be read."""
    path = os.path.join(output_dir, JSON_FILE)
    try:
        with open(path, encoding="utf-8") as file:
            return from_json(file.read())
    except FileNotFoundError:
        raise UserError(
            f"expected a trained model in {output_dir}, but it has no {JSON_FILE}"
        ) from None
    except (json.JSONDecodeError, UserError) as error:
        raise UserError(f"{path} can't be read: {error}") from error
