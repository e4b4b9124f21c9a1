"""Reading lines and text of raw files, within limits; writing files at once."""

import contextlib
import gzip
import json
import math
import os
import pathlib
import re
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterator
from typing import IO, Any

from t2t_mm.errors import UserError

LONGEST_LINE = 2**20  # bytes; a longer one is no sentence
_NO_TEXT = 2**26  # bytes without a line feed after which a file is no text
_LARGEST_JSON = 2**29  # bytes; COCO's own are below 2**27
_COMPRESSED = (".bz2", ".xz", ".zst", ".zip", ".7z")  # what is not read, and not written
_MARKS = re.compile(rb"\A(?:\xef\xbb\xbf)+")  # byte order marks
_ADDRESS = re.compile(r"[A-Za-z][\w+.-]+:/")  # pathlib leaves one of the slashes
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
# Names for a stream of a process: there is no file to replace.
_STREAMS = ("/dev/fd/", "/dev/std", "/proc/")


def check_local(path: str | os.PathLike, name: str) -> None:
    """Raises a UserError if a path is the address of something that is no file, as gs://bucket/run:
    what was written there would lie in a folder of this machine that is called "gs:".

    Args:
        path: that was given.
        name: what it was given for.
    """
    if _ADDRESS.match(os.fspath(path)):
        raise UserError(
            f"{name}={path} is an address, and what is read and written here are files. Mount the "
            "store as a folder (gcsfuse for gs://, mountpoint-s3 or s3fs for s3://), and give that."
        )


def lines(path: str | os.PathLike) -> Iterator[tuple[int, bytes]]:
    """Yields (number from 1, bytes) for each line of a file, gunzipped if it ends in .gz; see
    `lines_of`.

    Raises:
        UserError: the file cannot be read.
    """
    with opened(path) as file:
        yield from lines_of(file, path)


@contextlib.contextmanager
def opened(path: str | os.PathLike) -> Iterator[IO[bytes]]:
    """A file, open for reading, gunzipped if it ends in .gz.

    Raises:
        UserError: it cannot be read, now or in this context.
    """
    path = pathlib.Path(path)
    if path.suffix in _COMPRESSED:
        raise UserError(f"{path} has an unsupported compression: unpack it, or gzip it.")
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            yield file
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error


def lines_of(file: IO[bytes], name: str | os.PathLike) -> Iterator[tuple[int, bytes]]:
    """Yields (number from 1, bytes) for each line of an open file.

    Only a line feed ends a line. Carriage returns before it go, as do byte order marks at the start
    of a line, which joined files have in their middle. Of a line of more than LONGEST_LINE bytes
    the rest is passed over; `fault` then says so of what is given.

    Raises:
        UserError: the lines are ended by carriage returns, or there are none: it is no text.
    """
    number = feeds = returns = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        feeds += line.endswith(b"\n")
        is_cut = len(line) > LONGEST_LINE and not line.endswith(b"\n")
        line = _MARKS.sub(b"", line.removesuffix(b"\n").rstrip(b"\r"))
        returns += line.count(b"\r")
        if is_cut and returns <= feeds:
            feeds += _pass_over(file, f"{name}, line {number},")
        elif is_cut:
            break
        yield number, line
    if returns > feeds:
        raise UserError(
            f"{name} ends its lines with carriage returns alone, and not with line feeds: convert "
            "it, as with tr '\\r' '\\n'."
        )


def _pass_over(file: IO[bytes], where: str) -> bool:
    """Reads to the end of a line; whether a line feed ends it."""
    for _ in range(0, _NO_TEXT, LONGEST_LINE):
        part = file.readline(LONGEST_LINE)
        if not part or part.endswith(b"\n"):
            return bool(part)
    raise UserError(f"{where} goes on for more than {_NO_TEXT:,} bytes: this is not a text file.")


def fault(line: bytes) -> str:
    """Why a line is no text, in a few words; "" if it is."""
    if len(line) > LONGEST_LINE:
        return f"longer than {LONGEST_LINE:,} bytes"
    if b"\0" in line or line.startswith(_UTF_16):
        return "not UTF-8, perhaps UTF-16"
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return "not UTF-8"
    return ""


def text(line: bytes) -> str | None:
    """The line as text; None if it is none, see `fault`."""
    return None if fault(line) else line.decode("utf-8")


def read_json(path: str | os.PathLike, most: int = _LARGEST_JSON) -> Any:
    """The value that a JSON file holds.

    Raises:
        OSError: it can't be read.
        ValueError: it is no regular file, larger than `most` bytes, no JSON, or nested too deep.
    """
    try:
        return json.loads(content(path, most))
    except RecursionError:
        raise ValueError("nested too deep") from None


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


def check_regular(path: str | os.PathLike, most: int) -> None:
    """Raises a ValueError for what is no file with an end (a device, a pipe, a folder, or a link to
    one) or has more than `most` bytes, before it is opened; an OSError if there is none."""
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("not a regular file")
    if found.st_size > most:
        raise ValueError(f"{found.st_size:,} bytes long, where {most:,} are the most")


def content(path: str | os.PathLike, most: int) -> bytes:
    """What is in a regular file of at most so many bytes; raises as `check_regular` does."""
    check_regular(path, most)
    with open(path, "rb") as file:
        return within(file, most)


def head(path: str | os.PathLike, size: int) -> bytes:
    """The first bytes of a regular file of any length; raises as `check_regular` does."""
    check_regular(path, sys.maxsize)
    with open(path, "rb") as file:
        return file.read(size)


def within(file: IO[bytes], most: int) -> bytes:
    """What is left in an open file; a ValueError if that is more than `most` bytes."""
    found = file.read(most + 1)
    if len(found) > most:
        raise ValueError(f"longer than {most:,} bytes, which are the most")
    return found


def stamped(path: str | os.PathLike) -> tuple:
    """(path, size, time of the last change), which differs once the file does; (path,) if it is
    gone."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # the latter for a NUL in its name
        return (path,)
    return path, found.st_size, found.st_mtime_ns


def is_replaced(path: str | os.PathLike) -> bool:
    """Whether writing makes a new file in the place of `path`; what is no regular file (a device, a
    pipe) is written to as it is."""
    if os.path.abspath(path).startswith(_STREAMS):
        return False
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return True


def check_output(path: str | os.PathLike, flag: str) -> None:
    """Refuses a file that can't be written, before the work whose result it is to hold.

    Raises:
        UserError: it is a directory, or its directory is absent, full, or not ours to write to.
    """
    path = pathlib.Path(path)
    if path.suffix in _COMPRESSED:
        raise UserError(f"--{flag}={path}: output is plain, or gzipped if it ends in .gz.")
    try:
        if path.is_dir():
            raise IsADirectoryError(None, "it is a directory")
        if is_replaced(path):
            folder = real(path).parent
            if not folder.exists():
                raise FileNotFoundError(None, f"there is no directory {folder}")
            _try_to_write(folder)
        elif not os.access(path, os.W_OK):
            raise PermissionError(None, "no permission")
    except OSError as error:
        raise UserError(
            f"--{flag}={path} can't be written to: {error.strerror or error}."
        ) from error


def check_output_folder(path: str | os.PathLike, flag: str) -> None:
    """Refuses a directory that can't be made or written to; makes nothing. Raises a UserError."""
    place = pathlib.Path(path).expanduser().absolute()
    try:
        while not os.path.lexists(place):
            place = place.parent
        _try_to_write(place)
    except OSError as error:
        raise UserError(
            f"--{flag}={path} can't be written to: {error.strerror or error}."
        ) from error


def _try_to_write(folder: pathlib.Path) -> None:
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(4096))  # a full disk refuses this


def real(path: str | os.PathLike) -> pathlib.Path:
    """The file that a path stands for: links are followed, as they stay when it is written."""
    return pathlib.Path(os.path.realpath(path))


def write_bytes(path: str | os.PathLike, content: bytes) -> None:
    """Replaces a file at once: a reader finds the old content or the new, never a part of it. Of a
    link, the file that it points to; a device or a pipe is written to.

    Args:
        path: in a folder that exists.
        content: what the file is to hold.

    Raises:
        OSError: the file can't be written; it is as it was before.
    """
    if not is_replaced(path):
        pathlib.Path(path).write_bytes(content)
        return
    path = real(path)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError as error:
        if error.filename is None:  # of a full disk, say
            error.filename = os.fspath(path)
        raise
    finally:
        partial.unlink(missing_ok=True)


def copy(source: str | os.PathLike, target: str | os.PathLike) -> None:
    """Replaces `target` by a copy of a file at once; leaves it alone if it is that file itself. A
    link to another file is replaced, and that file stays as it is."""
    source, target = pathlib.Path(source), pathlib.Path(target)
    if not (target.exists() and target.samefile(source)):
        if target.is_symlink():
            target.unlink()
        write_bytes(target, source.read_bytes())


def write_text(path: str | os.PathLike, text: str) -> None:
    """Replaces a text file (UTF-8) at once; see `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Replaces a JSON file at once; see `write_bytes`.

    JSON has no form for NaN and infinity (of a loss, say): they are written as null.
    """
    text = json.dumps(without_nonfinite(value), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def without_nonfinite(value: Any) -> Any:
    """A value of JSON, with None for the numbers that JSON has no form for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: without_nonfinite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_nonfinite(each) for each in value]
    return value
