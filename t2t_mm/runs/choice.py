"""Which checkpoint of a run is read: the newest, the best that --keep_best kept, or that of a
step. No TensorFlow here."""

import os

from t2t_mm.errors import UserError
from t2t_mm.runs.directory import OutputDir
from t2t_mm.runs.paths import found, latest, step_of

NEWEST, BEST = "newest", "best"
LONGEST_STEP = 20  # digits
CHOICES = "newest, best (what --keep_best kept) or a step"


def chosen(output: OutputDir, which: str | int = NEWEST) -> str:
    """The path prefix of a checkpoint of a run.

    Args:
        output: of the run.
        which: "newest", "best" or a step; also the path prefix of any checkpoint.

    Raises:
        UserError: if there is no such checkpoint, or `which` is none of these.
    """
    if which == BEST:
        return _best(output)
    output.need_checkpoint()
    paths = found(output.checkpoints)
    if which == NEWEST:
        return paths[-1]
    if str(which).isdecimal() and len(str(which)) < LONGEST_STEP:
        return _of_step(output, int(which), paths)
    if os.path.isfile(f"{which}.index"):  # as of pathlib, a name that is too long would raise
        return str(which)
    raise UserError(f"There is no checkpoint {str(which)[:100]!r}: give {CHOICES}.")


def described(output: OutputDir, which: str | int, step: int) -> str:
    """A line on the checkpoint that was read: `which` was asked for, that of `step` it is. Says so
    where the newest is not the best."""
    best = latest(output.best)
    other = f"; the best is that of step {step_of(best):,}: --checkpoint=best" if best else ""
    if which != NEWEST or (best and step_of(best) == step):
        other = ""
    asked = f" ({which})" if which in (NEWEST, BEST) else ""
    return f"Checkpoint: step {step:,}{asked} of {output.path}{other}"


def _best(output: OutputDir) -> str:
    path = latest(output.best)
    if not path:
        raise UserError(
            f"No best checkpoint was kept in {output.best}: train with --keep_best=problem/metric, "
            "or leave out --checkpoint=best."
        )
    return path


def _of_step(output: OutputDir, step: int, paths: list[str]) -> str:
    best = found(output.best)
    for path in (*paths, *best):
        if step_of(path) == step:
            return path
    steps = ", ".join(f"{step_of(path)}" for path in paths)
    also = f", and {step_of(best[-1])} is the best" if best else ""
    raise UserError(
        f"There is no checkpoint of step {step} in {output.checkpoints}: kept are {steps}{also}."
    )
