"""Where the checkpoints of a run lie: `<directory>/ckpt-<step>.*`, their inputs beside them in
`input-<step>/`. No TensorFlow here."""

import os
import re
from pathlib import Path


def checkpoint_path(directory: str | os.PathLike, step: int) -> str:
    """Path prefix of the checkpoint of a step."""
    return str(Path(directory) / f"ckpt-{step}")


def step_of(path: str) -> int:
    """The step of a checkpoint, given by its path prefix."""
    return int(path.rpartition("-")[2])


def input_folder(path: str) -> Path:
    """Where the inputs of a checkpoint lie, given its path prefix."""
    return Path(path).with_name(f"input-{step_of(path)}")


def found(directory: str | os.PathLike) -> list[str]:
    """Path prefixes of the checkpoints in a directory, the newest last."""
    names = (path.stem for path in Path(directory).glob("ckpt-*.index"))
    ours = (name for name in names if re.fullmatch(r"ckpt-[0-9]{1,18}", name))
    return sorted((str(Path(directory, name)) for name in ours), key=step_of)


def latest(directory: str | os.PathLike) -> str | None:
    """Path prefix of the newest checkpoint in a directory, or None."""
    return next(reversed(found(directory)), None)
