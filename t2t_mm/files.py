"""Lines and text of raw files."""

import gzip
import os
import pathlib
import zlib

from t2t_mm.errors import UserError


def lines(path):
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


def lines_of(file):
    """Yields (number from 1, bytes) for each line of an open file.

    Only a line feed ends a line. A carriage return before it goes, as does a byte order mark at the
    start.
    """
    for number, line in enumerate(file, 1):
        line = line.removesuffix(b"\n").removesuffix(b"\r")
        yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


def text(line: bytes) -> str | None:
    """The line as text; None if it is not UTF-8."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return None


def existing(path) -> pathlib.Path | None:
    """`path`, or `path` with .gz, whichever is a file."""
    return next(
        (file for file in (pathlib.Path(path), pathlib.Path(f"{path}.gz")) if file.is_file()), None
    )


def under(folder):
    """The files under a folder at any depth, in order, hidden ones left out."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (
            pathlib.Path(parent, name) for name in sorted(names) if not name.startswith(".")
        )


def stamped(path) -> tuple:
    """(path, size, time of the last change), which is another when the file is; (path,) if it is
    gone."""
    try:
        stat = os.stat(path)
    except (OSError, ValueError):  # the latter for a NUL in its name
        return (path,)
    return path, stat.st_size, stat.st_mtime_ns
