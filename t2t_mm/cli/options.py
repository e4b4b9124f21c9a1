"""Flags made from the fields of a configuration: one flag for each, with its documentation."""

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from absl import flags

from t2t_mm.cli import app
from t2t_mm.config.fields import STRINGS, SWITCH, Field, Fields
from t2t_mm.errors import UserError

Config = TypeVar("Config", bound=Fields)


class _Switch(flags.ArgumentParser):
    """Of a flag that is true or false, or a word: --name, --noname, --name=true, --name=word."""

    def parse(self, argument: Any) -> bool | str:
        words = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}
        return words.get(str(argument).lower(), str(argument))


def _define_switch(name: str, default: Any, help: str, flag_values: flags.FlagValues) -> None:
    flag = flags.Flag(_Switch(), flags.ArgumentSerializer(), name, default, help, boolean=True)
    flags.DEFINE_flag(flag, flag_values)


_DEFINE: dict[Any, Callable] = {
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    bool: flags.DEFINE_bool,
    str: flags.DEFINE_string,
    STRINGS: flags.DEFINE_multi_string,
    SWITCH: _define_switch,
}


def define(
    config: type[Fields], values: flags.FlagValues, only: Collection[str] | None = None
) -> dict[str, list[str]]:
    """Defines the flags of a command. What a value may be is checked by `given`.

    Args:
        config: a dataclass of fields, each of a `group`.
        values: the command's flags, to which they are added.
        only: the fields that the command has; all, if not given.

    Returns:
        {group: names of its flags}, the sections of --help.
    """
    sections: dict[str, list[str]] = {}
    for field in config.fields().values():
        if only is not None and field.name not in only:
            continue
        default = list(field.default) if field.type == STRINGS else field.default
        _DEFINE[field.type](field.name, default, "", flag_values=values)
        values[field.name].help = _help(field)  # absl would add its own words to some
        sections.setdefault(field.more["group"], []).append(field.name)
    return sections


def given(config: type[Fields], values: flags.FlagValues) -> dict[str, Any]:
    """{field: value} of the flags that the command has and the command line gives.

    Raises:
        UsageError: for a value that does not fit.
    """
    found = {}
    for name, field in config.fields().items():
        if name in values and values[name].present:
            try:
                found[name] = field.checked(values[name].value)
            except ValueError as error:
                raise app.UsageError(f"--{error}; --help lists the flags") from None
    return found


def config_of(kind: type[Config], values: dict[str, Any]) -> Config:
    """The configuration with these values of `given`.

    Raises:
        UsageError: where they don't go together.
    """
    try:
        return kind().replace(**values)
    except UserError as error:
        raise app.UsageError(str(error)) from error


def _help(field: Field) -> str:
    return (field.meaning[0].upper() + field.meaning[1:]).removesuffix(".") + "."
