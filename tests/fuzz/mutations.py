"""Damage, drawn at random: of bytes, of JSON, of files and folders."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from t2t_mm import files

MOST = 2**24  # bytes of a file that are damaged
ODD_TEXT = [
    "",
    " ",
    "\x00",
    "\ufeff",
    "\u200b",
    "(" * 3000,
    "((((a b)",
    "a" * 20_000,
    "x\ty\tz",
    "\u202e\u0301",
    "日本語 \U0001f600",
    "-LRB- 1\\/2 )",
    "../../etc/passwd",
    "| cat /etc/passwd",
    "%!PS\nquit",
]
ODD_NUMBERS = [0, -1, 1, 2**31, 2**63, -(2**63), 10**30, 0.5, float("nan"), float("inf"), 1e308]
ODD_JSON = [None, True, "", "x", [], {}, [[]], {"": None}, [None], *ODD_NUMBERS, *ODD_TEXT]
ODD_BYTES = [
    b"",
    b"\x00" * 64,
    b"\xff\xfeA\x00",
    b"\xef\xbb\xbf",
    b"%!PS\nquit\n",
    b"[" * 100_000,
    b"(" * 100_000,
    b"\n" * 1000,
    b"\r\r\r",
    b"\x1f\x8b\x08\x00garbage",
    b"\x89PNG\r\n\x1a\n" + b"\x00" * 40,
    b"RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00" + b"\xff" * 40,
    b"GIF89a\xff\xff\xff\xff",
]


def of_bytes(random: Random, content: bytes) -> bytes:
    """The bytes with some of them flipped, cut off, doubled, exchanged or put in between."""
    found = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 5, 30))):
        place = random.randrange(len(found) + 1)
        other = random.randrange(len(found) + 1)
        kind = random.randrange(8)
        if kind == 0 and place < len(found):
            found[place] ^= 1 << random.randrange(8)
        elif kind == 1 and place < len(found):
            found[place] = random.choice((0, 10, 13, 32, 34, 40, 41, 127, 128, 255))
        elif kind == 2:
            del found[place:]
        elif kind == 3:
            del found[min(place, other) : max(place, other)]
        elif kind == 4:
            found[place:place] = random.choice(ODD_BYTES)
        elif kind == 5:
            found[place:place] = found[min(place, other) : max(place, other)][:10_000]
        elif kind == 6:
            found[place:place] = random.randbytes(random.choice((1, 4, 100)))
        elif place + 4 <= len(found):  # a length or a size in a header, perhaps
            number = random.choice((0, 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1))
            found[place : place + 4] = number.to_bytes(4, random.choice(("little", "big")))
    return bytes(found)


def of_json(random: Random, value: Any) -> Any:
    """A value of JSON with another one somewhere in it, or without one."""
    if isinstance(value, dict) and value and random.random() < 0.85:
        key = random.choice(sorted(value))
        changed = {name: each for name, each in value.items() if name != key}
        if random.random() < 0.15:
            return changed
        if random.random() < 0.1:
            return changed | {random.choice(ODD_TEXT)[:50]: value[key]}
        return changed | {key: of_json(random, value[key])}
    if isinstance(value, list) and value and random.random() < 0.85:
        index = random.randrange(len(value))
        changed = [of_json(random, value[index])] * random.choice((0, 1, 1, 1, 2))
        return value[:index] + changed + value[index + 1 :]
    if isinstance(value, str) and random.random() < 0.3:
        return of_bytes(random, value.encode()).decode("utf-8", "replace")
    return random.choice(ODD_JSON)


def of_file(random: Random, path: Path) -> str:
    """Damages a file, or puts something else in its place; says how."""
    how = random.choice(("bytes", "bytes", "bytes", "json", "json", "odd", *PLACES))
    if how in PLACES:
        path.unlink()
        PLACES[how](path)
        return how
    content = files.head(path, MOST)  # another damage may have made it endless
    if how == "json" and path.suffix in (".json", ".jsonl"):
        *before, last = content.splitlines() if path.suffix == ".jsonl" else [content]
        text = json.dumps(of_json(random, json.loads(last)))
        content = b"\n".join([*before, text.encode("utf-8", "surrogatepass"), b""])
    else:
        content = random.choice(ODD_BYTES) if how == "odd" else of_bytes(random, content)
    path.unlink()  # it may be a link to a file that others read
    path.write_bytes(content)
    return how


def _sparse(path: Path) -> None:
    with open(path, "wb") as file:
        file.truncate(50 * 2**30)


PLACES: dict[str, Callable[[Path], Any]] = {
    "gone": lambda path: None,
    "folder": lambda path: path.mkdir(),
    "pipe": os.mkfifo,
    "loop": lambda path: path.symlink_to(path),
    "endless": lambda path: path.symlink_to("/dev/zero"),
    "null": lambda path: path.symlink_to("/dev/null"),
    "sparse": _sparse,
}


def of_folder(random: Random, folder: Path) -> str:
    """Damages something in a folder; says what, and how."""
    there = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    path = random.choice(there)
    where = f"{path.relative_to(folder)}"
    kind = random.random()
    if kind < 0.75:
        return f"{where}: {of_file(random, path)}"
    other = random.choice(there)
    if kind < 0.85:
        copied = files.head(path, MOST)
        other.unlink()
        other.write_bytes(copied)
        return f"{where} in the place of {other.relative_to(folder)}"
    if kind < 0.95:
        name = random.choice((".hidden", "n" * 200, "a b", "x.gz", "train", "\udcff", "Ä.png"))
        shutil.move(path, path.with_name(name))
        return f"{where} as {name!r}"
    shutil.rmtree(path.parent) if path.parent != folder else path.unlink()
    return f"{where} and what is beside it: gone"


def linked(source: Path, target: Path) -> None:
    """A copy of a folder whose files are links to the same content."""
    shutil.copytree(source, target, copy_function=os.link)
