"""Prepares a data set anew beside the one that is there, which serves until the new one is
whole."""

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from t2t_mm.problem import locate

STAGE = "again"  # folder under a data directory, with one for each problem


def replace(
    make: Callable[[Path], Any],
    problem: Any,
    data_dir: str | os.PathLike,
    log: Callable[[str], Any],
) -> None:
    """Puts a new data set of a problem in the place of the old one.

    Killed before the new one is whole, it leaves the old one as it is; started again, it goes on.

    Args:
        make: function of a data directory, where it prepares the data set.
        problem: whose data it is.
        data_dir: where the old one is.
        log: gets a line.
    """
    data_dir = Path(data_dir).expanduser()
    stage = data_dir / STAGE / problem.name
    places = locate.places(problem, stage)
    for whole in filter(None, map(locate.newest, places)):
        shutil.rmtree(whole)  # of an attempt that was killed at the end
    make(stage)
    for new in filter(None, map(locate.newest, places)):
        target = data_dir / new.relative_to(stage)
        _swap(new, target)
        log(f"{problem.name}: {target} was prepared again")
    shutil.rmtree(stage, ignore_errors=True)
    with contextlib.suppress(OSError):  # another problem is being prepared there
        stage.parent.rmdir()


def _swap(new, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        os.replace(target, new.with_name("replaced"))
    os.replace(new, target)
