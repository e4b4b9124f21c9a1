"""Runs a command: reads its flags, calls its main, and turns a user's mistakes into one line
each."""

import difflib
import errno
import os
import sys
import textwrap

from absl import flags

from t2t_mm import registry
from t2t_mm.cli import registry_help
from t2t_mm.errors import UserError
from t2t_mm.quiet import quiet

FLAGS = flags.FLAGS

# Every command looks names up.
flags.DEFINE_string(
    "t2t_usr_dir", "", "Directories of your own problems and hparams, comma-separated."
)
flags.DEFINE_bool(
    "registry_help", False, "List problems, mixtures, hparams sets, modifiers and models."
)

# What the machine refuses: disk full, no permission, read-only, a file where a folder should be.
_MACHINE = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EEXIST,
}


def run(main, argv=None):
    """Runs a command. A user's mistake ends the process with one line, `error: ...`, and exit code
    1.

    Args:
        main: function without arguments. Its module defines the command's flags; what that module's
            docstring says is the usage.
        argv: the command line, the program's name first; default `sys.argv`.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its start-up chatter would bury ours
    argv = sys.argv if argv is None else argv
    try:
        if {"--help", "-help", "-h"} & set(argv[1:]):
            print(usage(sys.modules[main.__module__]), flush=True)
            return
        _parse(argv)
        for path in filter(None, map(str.strip, FLAGS.t2t_usr_dir.split(","))):
            registry.load_directory(path)
        if FLAGS.registry_help:
            print(registry_help.text(), flush=True)
            return
        main()
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
        print("error: " + " ".join(message.split()), file=sys.stderr)
        sys.exit(1)


def import_tensorflow():
    """Imports TensorFlow without what it says about itself; before whatever else imports it."""
    with quiet():
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for GPUs, and says so


def need(*names):
    """Refuses a command line without the flags of these names."""
    for name in names:
        if not getattr(FLAGS, name):
            raise UserError(f"Give --{name}: {FLAGS[name].help}")


def usage(module) -> str:
    """The module's docstring and its flags, each with its default; under headings, where the module
    has SECTIONS, {heading: names of flags}."""
    sections = getattr(module, "SECTIONS", {})
    ours = FLAGS.get_key_flags_for_module(module) + FLAGS.get_key_flags_for_module(__name__)
    shown = {name for names in sections.values() for name in names}
    others = sorted({flag.name for flag in ours} - shown)
    lines = [(module.__doc__ or "").strip(), "", "Flags:"]
    lines += [line for name in others for line in _flag_usage(FLAGS[name])]
    for heading, names in sections.items():
        lines += ["", f"{heading.capitalize()}:"]
        lines += [line for name in names for line in _flag_usage(FLAGS[name])]
    return "\n".join(lines)


def _flag_usage(flag) -> list[str]:
    shown = flag.default not in (None, "", [])
    default = f" [{flag.default_as_str.strip(chr(39))}]" if shown else ""
    wrapped = textwrap.wrap(flag.help, 100, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return [f"  --{flag.name}{default}", *wrapped]


def _parse(argv):
    try:
        rest = FLAGS(argv)[1:]
    except flags.UnrecognizedFlagError as error:
        near = difflib.get_close_matches(error.flagname, list(FLAGS), n=1)
        hint = f", did you mean --{near[0]}?" if near else ";"
        raise UserError(f"unknown flag --{error.flagname}{hint} --help lists the flags") from None
    except flags.Error as error:
        raise UserError(f"{error}; --help lists the flags") from None
    for name in FLAGS:  # the shell leaves --data_dir=~/data as it is
        if name.endswith(("_dir", "_from", "_file")) and str(FLAGS[name].value).startswith("~"):
            FLAGS[name].value = os.path.expanduser(FLAGS[name].value)
    if rest:
        raise UserError(
            f"expected only flags, --name=value, but '{rest[0]}' is none; --help lists the flags"
        )


def _users_mistake(error: Exception) -> str | None:
    """What to tell the user; None if the fault is ours, and the traceback is wanted."""
    if isinstance(error, UserError | registry.RegistryError):
        return str(error)
    if isinstance(error, OSError) and error.errno in _MACHINE:
        return f"{error.strerror}: {error.filename}" if error.filename else str(error)
    if type(error).__module__.startswith("tensorflow."):  # its file system has its own exceptions
        told = str(error)
        if type(error).__name__ == "PermissionDeniedError" or "No space left on device" in told:
            return told
    return None
