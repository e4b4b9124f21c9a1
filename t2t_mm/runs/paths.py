"""Where the checkpoints of a run lie: `<directory>/ckpt-<step>.*`, their inputs beside them in
`input-<step>/`, and what is being written in `ckpt-<step>_partial/`. No TensorFlow here."""

import os
import re
import shutil
from pathlib import Path

# What a checkpoint that has no index leaves; "_temp" of earlier versions.
_UNFINISHED = re.compile(r"(ckpt-[0-9]{1,18})(_partial|_temp|\.data-[0-9]{5}-of-[0-9]{5})")


def checkpoint_path(directory: str | os.PathLike, step: int) -> str:
    """Path prefix of the checkpoint of a step."""
    return str(Path(directory) / f"ckpt-{step}")


def step_of(path: str) -> int:
    """The step of a checkpoint, given by its path prefix."""
    return int(path.rpartition("-")[2])


def input_folder(path: str) -> Path:
    """Where the inputs of a checkpoint lie, given its path prefix."""
    return Path(path).with_name(f"input-{step_of(path)}")


def partial_folder(path: str) -> Path:
    """Where a checkpoint lies while it is written, given its path prefix."""
    return Path(f"{path}_partial")


def found(directory: str | os.PathLike) -> list[str]:
    """Path prefixes of the checkpoints in a directory, the newest last."""
    names = (path.stem for path in Path(directory).glob("ckpt-*.index"))
    ours = (name for name in names if re.fullmatch(r"ckpt-[0-9]{1,18}", name))
    return sorted((str(Path(directory, name)) for name in ours), key=step_of)


def latest(directory: str | os.PathLike) -> str | None:
    """Path prefix of the newest checkpoint in a directory, or None."""
    return next(reversed(found(directory)), None)


def drop(path: str) -> None:
    """Removes the files of a checkpoint, if it is there, the index first: what has one is whole."""
    Path(f"{path}.index").unlink(missing_ok=True)
    for file in Path(path).parent.glob(f"{Path(path).name}.data-*"):
        file.unlink(missing_ok=True)


def tidy(directory: str | os.PathLike) -> None:
    """Removes what no checkpoint in a directory needs: files of those that were never finished, and
    inputs of those that are gone."""
    Path(directory, "checkpoint").unlink(missing_ok=True)  # TensorFlow's list, of earlier versions
    whole = {Path(path).name for path in found(directory)}
    inputs = {f"input-{name.removeprefix('ckpt-')}" for name in whole}
    for path in Path(directory).glob("input-*"):
        if path.name not in inputs:
            shutil.rmtree(path, ignore_errors=True)
    for path in Path(directory).glob("ckpt-*"):
        unfinished = _UNFINISHED.fullmatch(path.name)
        if unfinished and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif unfinished and unfinished[1] not in whole:
            path.unlink(missing_ok=True)
