"""Reading lines and text of raw files; writing files at once."""

import gzip
import json
import math
import os
import pathlib
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from t2t_mm.errors import UserError


def lines(path: str | os.PathLike) -> Iterator[tuple[int, bytes]]:
    """Yields (number from 1, bytes) for each line of a file, gunzipped if it ends in .gz; see
    `lines_of`.

    Raises:
        UserError: the file cannot be read.
    """
    path = pathlib.Path(path)
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            yield from lines_of(file)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error


def lines_of(file: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yields (number from 1, bytes) for each line of an open file.

    Only a line feed ends a line. A carriage return before it goes, as does a byte order mark at the
    start.
    """
    for number, line in enumerate(file, 1):
        line = line.removesuffix(b"\n").removesuffix(b"\r")
        yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


def text(line: bytes) -> str | None:
    """The line as text; None if it is not in UTF-8."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return None


def existing(path: str | os.PathLike) -> pathlib.Path | None:
    """`path`, or `path` with .gz, whichever is a file.

    Raises:
        UserError: both are.
    """
    found = [file for file in (pathlib.Path(path), pathlib.Path(f"{path}.gz")) if file.is_file()]
    if len(found) > 1:
        raise UserError(f"There are both {found[0]} and {found[1].name}. Keep one of them.")
    return found[0] if found else None


def under(folder: str | os.PathLike) -> Iterator[pathlib.Path]:
    """The files under a folder at any depth, in order, hidden ones left out."""
    for parent, folders, names in os.walk(os.fspath(folder)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (
            pathlib.Path(parent, name) for name in sorted(names) if not name.startswith(".")
        )


def stamped(path: str | os.PathLike) -> tuple:
    """(path, size, time of the last change), which differs once the file does; (path,) if it is
    gone."""
    try:
        stat = os.stat(path)
    except (OSError, ValueError):  # the latter for a NUL in its name
        return (path,)
    return path, stat.st_size, stat.st_mtime_ns


def write_bytes(path: str | os.PathLike, content: bytes) -> None:
    """Replaces a file at once: a reader finds the old content or the new, never a part of it.

    Args:
        path: in a folder that exists.
        content: what the file is to hold.

    Raises:
        OSError: the file can't be written; it is as it was before.
    """
    path = pathlib.Path(path)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def copy(source: str | os.PathLike, target: str | os.PathLike) -> None:
    """Replaces `target` by a copy of a file at once; leaves it alone if it is that file itself."""
    source, target = pathlib.Path(source), pathlib.Path(target)
    if not (target.exists() and target.samefile(source)):
        write_bytes(target, source.read_bytes())


def write_text(path: str | os.PathLike, text: str) -> None:
    """Replaces a text file (UTF-8) at once; see `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Replaces a JSON file at once; see `write_bytes`.

    JSON has no form for NaN and infinity (of a loss, say): they are written as null.
    """
    text = json.dumps(_without_nonfinite(value), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def _without_nonfinite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _without_nonfinite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nonfinite(each) for each in value]
    return value
