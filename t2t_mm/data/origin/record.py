"""The record of what a data set was made from: its files, the code that read them, the settings.

It stands in the data set's metadata, as {"settings": ..., "code": {name: digest}, "splits": {split:
files}}. Of a few files it keeps size, time and digest of each, [size, time, digest]; of many,
[count, bytes, digest] of each folder. A file that was looked for and not there is null.
"""

import functools
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from t2t_mm import files

KEY = "made_from"  # in the metadata of a data set
FEW = 1_000  # files of a split that are recorded one by one
LARGE = 2**30  # bytes of a file beyond which it is not read to be compared
Stamps = Mapping[str, tuple]  # {path: (size, time)}, () of a file that isn't there


def of(reader: Any, stamps: Mapping[str, Stamps]) -> dict[str, Any]:
    """The record of data that a reader read from files with these stamps, {split: stamps}."""
    return {
        "version": reader.VERSION,
        "settings": {key: repr(value) for key, value in reader.settings().items()},
        "code": reader.code(),
        "splits": {split: _settled(found, reader.path) for split, found in stamps.items()},
    }


def read(folder: Path) -> dict[str, Any]:
    """The metadata of the data set in a folder; {} if it has none."""
    try:
        found = files.read_json(folder / "metadata.json")
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def is_whole(found: Any) -> bool:
    """Whether a value is a record, as `of` makes it."""
    return (
        isinstance(found, dict)
        and all(isinstance(found.get(key), dict) for key in ("settings", "code", "splits"))
        and all(isinstance(each, dict) for each in found["splits"].values())
        and all(
            stamp is None or (isinstance(stamp, list) and len(stamp) == 3)
            for each in found["splits"].values()
            for stamp in each.values()
        )
    )


def stamps(paths: Iterable[Path]) -> dict[str, tuple]:
    """{path: (size, time of the last change)}, () of a file that isn't there."""
    return {os.path.abspath(path): files.stamped(path)[1:] for path in paths}


def changes(recorded: dict[str, Any], reader: Any, but: str = "") -> list[str]:
    """What of settings (but one) and code is another now than when data was made."""
    now = of(reader, {})
    found = []
    if recorded.get("version") != now["version"]:
        found.append(f"its reader is of version {now['version']} (was {recorded.get('version')})")
    then = recorded.get("settings", {})
    for key in sorted((then.keys() | now["settings"].keys()) - {but}):
        pair = then.get(key), now["settings"].get(key)
        if pair[0] != pair[1]:
            found.append(f"{key} is {pair[1]} (was {pair[0]})")
    then = recorded.get("code", {})
    names = sorted(then.keys() | now["code"].keys())
    if edited := [name for name in names if then.get(name) != now["code"].get(name)]:
        found.append(f"the code of {_several(edited)} was edited")
    return found


def file_changes(recorded: dict[str, Any], now: Stamps, root: str) -> list[str]:
    """What changed in the files of a split, such as "train.en (9 bytes, was 8)".

    Args:
        recorded: the files of the split, as in a record.
        now: their stamps now.
        root: the raw folder, "" if there is none.
    """
    if is_grouped(recorded):
        there = dict(_grouped(now, root))
        told = _group_change
    else:
        there = {_shown(path, root): (path, *stamp) for path, stamp in now.items()}
        told = _change
    names = sorted(recorded.keys() | there.keys())
    return [line for name in names if (line := told(name, recorded.get(name), there.get(name)))]


def is_grouped(recorded: dict[str, Any]) -> bool:
    """Whether the files of a split are recorded by folder."""
    return any(name.endswith("/") for name in recorded)


def _change(name, then, now):
    path, *stamp = now or [None]
    if not then or not stamp:
        return "" if not then and not stamp else f"{name} is {'new' if stamp else 'gone'}"
    size, time, digest = then
    if size != stamp[0]:
        return f"{name} ({stamp[0]:,} bytes, was {size:,})"
    if time == stamp[1] or (digest and digest == _digest_of(path)):
        return ""
    return f"{name} (same size, other content)" if digest else f"{name} (written again)"


def _group_change(name, then, now):
    if then == now:
        return ""
    counts = [each[0] if each else 0 for each in (then, now)]
    return f"{name} ({counts[1]:,} files, was {counts[0]:,})"


def _settled(found, root):
    """The stamps of a split as they are recorded."""
    if len(found) > FEW:
        return dict(_grouped(found, root))
    return {
        _shown(path, root): [*stamp, _digest_once(path, stamp)] if stamp else None
        for path, stamp in sorted(found.items())
    }


def _grouped(found, root) -> Iterator[tuple[str, list]]:
    """(folder, [count, bytes, digest]) of the files that are there."""
    groups: dict[str, list] = {}
    for path, stamp in sorted(found.items()):
        if stamp:
            folder, name = os.path.split(path)
            groups.setdefault(_shown(folder, root) + "/", []).append((name, *stamp))
    for folder, each in groups.items():
        yield folder, [len(each), sum(size for _, size, _ in each), _digest(repr(each).encode())]


def _shown(path, root):
    """A path as it is recorded: relative to the raw folder where it lies there."""
    inside = root and path.startswith(os.path.join(os.path.abspath(root), ""))
    return os.path.relpath(path, root) if inside else path


def _several(names):
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _digest(content):
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _digest_of(path, stamp=None):
    """The digest of a regular file's content, "" if it is none, is large, or has another stamp by
    now."""
    try:
        files.check_regular(path, LARGE)  # a pipe would be waited for
        with open(path, "rb") as file:
            digest = hashlib.blake2b(digest_size=8)
            while block := file.read(2**20):
                digest.update(block)
    except (OSError, ValueError):
        return ""
    return digest.hexdigest() if stamp is None or files.stamped(path)[1:] == stamp else ""


@functools.lru_cache(maxsize=4 * FEW)  # splits that one file serves are many
def _digest_once(path, stamp):
    return _digest_of(path, stamp)
