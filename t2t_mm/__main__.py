"""All commands of T2T-MM under one name.

    python -m t2t_mm train --problems=mini8 --data_dir=data --output_dir=out --generate_data
    python -m t2t_mm decoder --output_dir=out --problem=mini_ende --interactive

Each says what it does, and its flags, with --help.
"""

import difflib
import importlib
import sys

import t2t_mm

# Command -> its module.
COMMANDS = {
    "train": "t2t_mm_trainer",
    "datagen": "t2t_mm.cli.datagen",
    "inspect": "t2t_mm.cli.inspect",
    "decoder": "t2t_mm.cli.decoder",
    "score": "t2t_mm.cli.score",
    "explain": "t2t_mm.cli.explain",
    "compare": "t2t_mm.cli.compare",
    "demo": "t2t_mm.cli.demo",
    "exporter": "t2t_mm.cli.exporter",
    "preset": "t2t_mm.cli.preset",
    "average": "t2t_mm.cli.average",
    "study": "t2t_mm.cli.study",
    "tune": "t2t_mm.cli.tune",
}


def main() -> None:
    """Runs the command that the command line names first."""
    command, rest = sys.argv[1] if sys.argv[1:] else "--help", sys.argv[2:]
    if command in ("--help", "-h", "help"):
        print(_usage())
    elif command == "--version":
        print(f"t2t-mm {t2t_mm.__version__}")
    elif command in COMMANDS:
        sys.argv = [f"t2t_mm {command}", *rest]
        importlib.import_module(COMMANDS[command]).entry()
    else:
        near = difflib.get_close_matches(command, COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(COMMANDS)}."
        print(f"error: unknown command '{command}': {hint}", file=sys.stderr)
        sys.exit(2)


def _usage() -> str:
    """The docstring, and the first sentence of each command's."""
    lines = [(__doc__ or "").strip(), "", "Commands:"]
    for command, name in COMMANDS.items():
        summary = (importlib.import_module(name).__doc__ or "").partition("\n\n")[0]
        lines.append(f"  {command:9} {' '.join(summary.split())}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
