"""Gin files and bindings, read as data: nothing is imported, called or looked up.

    hparams.hidden_size = 256          a field
    hparams:                           several
      dropout = 0.1
      learning_rate = %rate
    rate = 1e-3                        a macro
    include "other.gin"

Gin itself would run any module that a line imports, and any function that a value refers to. So its
grammar is all that is used of it.
"""

import itertools
import os
import tokenize
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from t2t_mm import compat, files
from t2t_mm.errors import UserError

NAMES = ("hparams", "t2t_mm.hparams")  # what bindings are of
_LARGEST = 2**20  # bytes of a file
_MOST_FILES = 100  # that a file includes, and those include
# What the parser raises; a RuntimeError is that of too deep a nesting, or of an end too early.
_WRONG = (ValueError, SyntaxError, TypeError, RuntimeError, MemoryError, tokenize.TokenError)


class _Macro(NamedTuple):
    name: str


def read(
    gin_files: Sequence[str], bindings: Sequence[str], fields: Collection[str]
) -> dict[str, Any]:
    """{field: value} that files and bindings give, a later one in place of an earlier.

    Args:
        gin_files: paths.
        bindings: single lines, "hparams.hidden_size=256".
        fields: names of the fields that there are, for messages.

    Raises:
        UserError: something is no gin, imports or refers to code, or would change nothing.
    """
    values: dict[str, Any] = {}
    macros: dict[str, Any] = {}
    for statement in _statements(gin_files, bindings):
        if statement.selector in NAMES and statement.arg_name:
            _refuse_scope(statement)
            values[statement.arg_name] = statement.value
        elif not statement.arg_name:
            macros[statement.scope + statement.selector] = statement.value
        else:
            raise _mistake(
                f"there is no '{statement.selector}' to bind {statement.arg_name} of, only hparams"
            )
    for name in macros:
        if name in fields and name not in values:
            raise _mistake(f"'{name} = ...' changes nothing; it should be 'hparams.{name} = ...'")
    return {name: _resolved(value, macros) for name, value in values.items()}


def _refuse_scope(statement: Any) -> None:
    if statement.scope:
        plain = f"{statement.selector}.{statement.arg_name}"
        raise _mistake(
            f"'{statement.scope}/{plain} = ...' changes nothing; it should be '{plain} = ...'"
        )


def _statements(gin_files: Sequence[str], bindings: Sequence[str]) -> Iterator[Any]:
    """The bindings of files, of those that they include, and of the command line, in order."""
    try:
        for path in gin_files:
            yield from _of_file(path, itertools.count())
        for binding in bindings:
            yield from _of_text(binding, itertools.count())
    except _WRONG as error:
        deep = isinstance(error, RecursionError | MemoryError)
        message = "nested too deep" if deep else " ".join(str(error).split())[:300]
        raise _mistake(f"{message}; bindings look like hparams.hidden_size=256") from error


def _of_file(path: str, count: Iterator[int]) -> Iterator[Any]:
    """The bindings of a file; `count` counts the files that belong to one."""
    if next(count) > _MOST_FILES:
        raise ValueError(f"{path} is one of more than {_MOST_FILES} files that include one another")
    try:
        text = files.content(path, _LARGEST).decode("utf-8")
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} can't be read: {getattr(error, 'strerror', error)}") from error
    yield from _of_text(text, count)


def _of_text(text: str, count: Iterator[int]) -> Iterator[Any]:
    for statement in compat.gin_statements(text, _Macro, _refuse_reference):
        kind = type(statement).__name__
        if kind == "ImportStatement":
            raise _mistake(f"'{statement.format()}' is refused: a configuration runs no code")
        if kind == "IncludeStatement":
            yield from _of_file(os.path.expanduser(statement.filename), count)
        elif kind == "BindingStatement":
            yield statement


def _refuse_reference(name: str) -> None:
    raise _mistake(f"'@{name}' is refused: a configuration holds values, and runs no code")


def _resolved(value: Any, macros: dict[str, Any]) -> Any:
    """A value, or what its macro stands for."""
    seen: set[str] = set()
    while isinstance(value, _Macro):
        if value.name in seen or value.name not in macros:
            how = "is defined by itself" if value.name in seen else "is not defined"
            raise _mistake(f"the macro %{value.name} {how}")
        seen.add(value.name)
        value = macros[value.name]
    return value


def _mistake(message: str) -> UserError:
    return UserError(f"gin: {message}")
