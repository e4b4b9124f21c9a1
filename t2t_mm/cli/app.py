"""Runs a command: reads its flags, calls its main, and turns a user's mistakes into one line each.

    FLAGS = app.new_flags()
    flags.DEFINE_string("output_dir", None, "Directory of the run.", flag_values=FLAGS)

    def main() -> None:
        app.need(FLAGS, "output_dir")
        print(FLAGS.output_dir)

    app.run(main, FLAGS)

At the end stands a line on standard error: what the command took, and, if `main` returns a path,
where its result is. A command's flags are its own, so that several commands can be imported into
one process.
"""

import difflib
import errno
import gc
import os
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

from absl import flags

import t2t_mm
from t2t_mm import quiet, registry
from t2t_mm.cli import ending
from t2t_mm.errors import UserError, first_line
from t2t_mm.execution import signals
from t2t_mm.execution.allocator import keep_freed_memory
from t2t_mm.files import check_local

COMMON = ("t2t_usr_dir", "registry_help", "version", "help")  # flags of every command
LONGEST_MESSAGE = 4000  # characters; a value that it quotes may be of any length
USAGE = 2  # exit code where the command line itself is wrong
Sections = Mapping[str, Sequence[str]]  # {heading of --help: names of flags}

_ROOM = "Make room, or give a place on another disk."
_RIGHTS = "Give a path that you can read and write."
# What to do where the machine refuses something.
_REMEDIES = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: _ROOM,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: _RIGHTS,
    errno.EIO: "The disk may be failing: check it, and restore the file from a backup.",
    errno.ENOMEM: "Free some memory, or ask for less at a time.",
    errno.EMFILE: "Raise the limit of open files (ulimit -n).",
}
_CHECK_PATHS = "Check the paths that are given."
# Exceptions of TensorFlow -> what the machine would have said.
_OF_TENSORFLOW = {"DataLossError": errno.EIO, "ResourceExhaustedError": errno.ENOMEM}


class UsageError(UserError):
    """A command line that is wrong in itself: an unknown flag, a bad value, one that is missing."""


def new_flags() -> flags.FlagValues:
    """The flags of a command, to which it adds its own: those that all commands have."""
    values = flags.FlagValues()
    flags.DEFINE_string(
        "t2t_usr_dir",
        "",
        "Directories of your own problems, hparams sets, models and so on, comma-separated.",
        flag_values=values,
    )
    flags.DEFINE_bool(
        "registry_help", False, "List everything that is registered, and end.", flag_values=values
    )
    flags.DEFINE_bool("version", False, "Print the version, and end.", flag_values=values)
    flags.DEFINE_bool("help", False, "Print this text, and end.", flag_values=values)
    flags.DEFINE_alias("h", "help", flag_values=values)
    return values


def run(
    main: Callable[[], str | None],
    values: flags.FlagValues,
    argv: Sequence[str] | None = None,
    sections: Sections | None = None,
) -> None:
    """Runs a command. A user's mistake ends the process with one line, `error: ...`.

    The exit code is 2 for a command line that is wrong in itself, and 1 for any other mistake.

    Args:
        main: function without arguments, that returns the path of what it made, or None. Its
            module's docstring is the usage.
        values: the command's flags, made by `new_flags`.
        argv: the command line, the program's name first; default `sys.argv`.
        sections: headings of --help; flags that stand under none come first.
    """
    begun, last = ending.spent(), ""
    try:
        _parse(values, sys.argv if argv is None else argv)
        if values.help:
            print(usage(sys.modules[main.__module__], values, sections or {}), flush=True)
        elif values.version:
            print(f"t2t-mm {t2t_mm.__version__}", flush=True)
        else:
            for path in filter(None, map(str.strip, values.t2t_usr_dir.split(","))):
                registry.load_directory(path)
            if values.registry_help:
                _list_registered()
            else:
                where = main()
                last = ending.line(begun, ending.spent(), where)
        sys.stdout.flush()  # where that can't be, it is an error as any other
        if last:
            print(last, file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output went away, as in `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        message = _users_mistake(error)
        if message is None:
            raise
        print("error: " + " ".join(message.split())[:LONGEST_MESSAGE], file=sys.stderr)
        sys.exit(USAGE if isinstance(error, UsageError) else 1)


def import_tensorflow() -> None:
    """Imports TensorFlow without its start-up messages; before whatever else imports it.

    It brings a million objects that stay, and to trace a graph makes as many again. Looking for
    garbage among them would be a fifth of the import and a tenth of tracing. Threads that it begins
    leave SIGTERM to the main thread, which alone can hold it back when workers are joined.
    """
    keep_freed_memory()
    gc.disable()
    with signals.held():
        quiet.import_tensorflow()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    gc.enable()


def need(values: flags.FlagValues, *names: str) -> None:
    """Refuses a command line without the flags of these names."""
    for name in names:
        if not values[name].value:
            raise UsageError(f"Give --{name}: {values[name].help}")


def usage(module: ModuleType, values: flags.FlagValues, sections: Sections) -> str:
    """The module's docstring and its flags, each with its default."""
    listed = {*COMMON, "h", *(name for names in sections.values() for name in names)}
    headed: dict[str, Iterable[str]] = {"flags": sorted(set(values) - listed)}
    headed |= {**sections, "common to all commands": COMMON}
    lines = [(module.__doc__ or "").strip()]
    for heading, names in headed.items():
        found = [line for name in names for line in _flag_usage(values[name])]
        lines += ["", f"{heading[0].upper()}{heading[1:]}:", *found] if found else []
    return "\n".join(lines)


def _flag_usage(flag: flags.Flag) -> list[str]:
    is_shown = flag.default is not False and flag.default not in (None, "", [])
    shown = flag.default_as_str.strip("'") if is_shown else ""
    lines = textwrap.wrap(flag.help, 94, break_on_hyphens=False)
    return [
        f"  --{flag.name}{f' [{shown}]' if shown else ''}",
        *(f"      {line}" for line in lines),
    ]


def _parse(values: flags.FlagValues, argv: Sequence[str]) -> None:
    for name in values:  # of an earlier call in this process
        values[name].unparse()
    try:
        rest = values(argv)[1:]
    except flags.UnrecognizedFlagError as error:
        near = difflib.get_close_matches(error.flagname, list(values), n=1)
        hint = f", did you mean --{near[0]}?" if near else ";"
        raise UsageError(f"unknown flag --{error.flagname}{hint} --help lists the flags") from None
    except flags.Error as error:
        raise UsageError(f"{str(error)[:300]}; --help lists the flags") from None
    for name in values:
        if name.endswith(("_dir", "_from", "_file")) and (given := values[name].value):
            is_one = isinstance(given, str)  # --gin_file may be given several times
            values[name].value = (
                _local(name, given) if is_one else [_local(name, path) for path in given]
            )
    for name in values:
        _check_value(name, values[name].value)
    if rest:
        raise UsageError(
            f"expected only flags, --name=value, but '{rest[0]}' is not one; --help lists the flags"
        )


def _local(name: str, path: str) -> str:
    """The path of a flag, with ~ opened up, since the shell leaves --data_dir=~/data as it is;
    refuses what is no path."""
    try:
        check_local(path, f"--{name}")
    except UserError as error:
        raise UsageError(str(error)) from None
    path = os.path.expanduser(path)
    if path.startswith("~"):
        raise UsageError(f"--{name}={path}: there is no such user")
    return path


def _check_value(name: str, value: Any) -> None:
    """Refuses numbers that nothing can count with, and text that no file can hold."""
    if isinstance(value, float | int) and not abs(value) < 2**63:  # NaN is not below it, either
        raise UsageError(f"--{name} is a number below 2^63, not {value}; --help lists the flags")
    for text in value if isinstance(value, list) else [value]:
        try:
            is_text = b"\0" not in str(text).encode("utf-8")
        except UnicodeEncodeError:
            is_text = False
        if not is_text:
            raise UsageError(f"--{name}: {text!r:.300} is not valid UTF-8")


def _list_registered() -> None:
    from t2t_mm.cli import registry_help

    print(registry_help.text(), flush=True)


def _users_mistake(error: Exception) -> str | None:
    """The message for the user; None if the fault is ours, and the traceback is wanted."""
    if isinstance(error, UserError | registry.RegistryError):
        return str(error)
    if isinstance(error, OSError) and error.errno:
        names = [str(name) for name in (error.filename, error.filename2) if name is not None]
        where = f": {' and '.join(names)}" if names else ""
        return f"{error.strerror}{where}. {_REMEDIES.get(error.errno, _CHECK_PATHS)}"
    if isinstance(error, MemoryError):
        return f"Out of memory. {_REMEDIES[errno.ENOMEM]}"
    if type(error).__module__.startswith("tensorflow."):
        said = (code for code in errno.errorcode if os.strerror(code) in str(error))
        code = next(said, _OF_TENSORFLOW.get(type(error).__name__))
        return f"{first_line(error)}. {_REMEDIES.get(code, _CHECK_PATHS)}" if code else None
    return None
