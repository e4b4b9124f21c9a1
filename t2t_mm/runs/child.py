"""A training run as a process of its own: what studies and searches start."""

import os
import sys
from collections.abc import Mapping
from typing import Any


def command(output_dir: str | os.PathLike, options: Mapping[str, Any]) -> list[str]:
    """The command line of a run.

    Args:
        output_dir: where the run goes. A run that is there goes on.
        options: {flag of t2t_mm_trainer.py: value, or a tuple of several}; those that are empty are
            left out.
    """
    given = {"output_dir": os.fspath(output_dir), **options}
    each = [
        (name, one)
        for name, value in given.items()
        for one in (value if isinstance(value, tuple) else (value,))
    ]
    return [
        sys.executable,
        "-m",
        "t2t_mm",
        "train",
        *(f"--{name}={value}" for name, value in each if value not in ("", None)),
    ]
