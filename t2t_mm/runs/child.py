"""A training run as a process of its own: what studies and searches start."""

import os
import sys
from collections.abc import Mapping
from typing import Any


def command(output_dir: str | os.PathLike, options: Mapping[str, Any]) -> list[str]:
    """The command line of a run.

    Args:
        output_dir: where the run goes. A run that is there goes on.
        options: {flag of t2t_mm_trainer.py: value}; those that are empty are left out.
    """
    given = {"output_dir": os.fspath(output_dir), **options}
    return [
        sys.executable,
        "-m",
        "t2t_mm",
        "train",
        *(f"--{name}={value}" for name, value in given.items() if value not in ("", None)),
    ]
