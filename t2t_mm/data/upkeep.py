"""Prepared data that is no longer what would be prepared now: what changed, and what to do."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from t2t_mm.data import held_out, stock
from t2t_mm.data.origin import record
from t2t_mm.data.writing.options import Options
from t2t_mm.errors import UserError
from t2t_mm.problem import locate

AGAIN = "--generate_data=again (of t2t-mm-datagen: --again)"
_NAMED = 4  # changes that are named


def bring_up(
    problem: Any, prepared: Path, folder: Path | None, log: Callable[[str], Any], options: Options
) -> None:
    """Prepares splits that were added to the raw data, and says what else has changed in it.

    Args:
        problem: whose data is prepared already.
        prepared: where it is.
        folder: its raw folder; None for the one that it was prepared from.
        log: gets one line for all that changed.
        options: how to prepare data.

    Raises:
        UserError: a split was added that can't be prepared.
    """
    known = record.read(prepared)
    origin = known.get("folder")
    if folder and origin and Path(origin).resolve() != folder.resolve():
        log(
            f"{problem.name}: prepared already, from {origin} and not from {folder}. To prepare "
            f"it again, give {AGAIN}, or delete {prepared}."
        )
        return
    reader = _reader(problem, known, folder, log, options.hold_out)
    if reader is None:
        return
    try:
        added = _added(reader, known, prepared)
        but = "" if "hold_out" in reader.settings() else "hold_out"  # as it was, if not said
        changed = _changes(reader, known, added, but=but)
    except UserError as error:
        added, changed = [], [f"its raw data can't be read as it is now: {error}"]
    _say(problem, changed, log)
    if added:
        from t2t_mm.data.writing import shards

        log(f"{problem.name}: {' and '.join(added)} was added since the rest was prepared")
        shards.add(prepared, reader, added, options)


def tell(problem: Any, prepared: Path, log: Callable[[str], Any]) -> None:
    """Says what changed since data was prepared, as far as that is seen at a glance: files that are
    so many that they were recorded by folder aren't looked at."""
    known = record.read(prepared)
    reader = _reader(problem, known, None, lambda line: None, "")
    if reader is None or not _recorded(known):
        return
    try:
        splits = _recorded(known)["splits"]
        with_files = not any(map(record.is_grouped, splits.values()))
        changed = _changes(reader, known, [], with_files, but="hold_out")
        if with_files and not problem.generates:
            added = reader.found_since(splits, known.keys() | splits.keys())
            changed += [f"{split} was added (--generate_data prepares it)" for split in added]
        _say(problem, changed, log)
    except UserError as error:
        _say(problem, [f"its raw data can't be read as it is now: {error}"], log)


def _reader(problem, known, folder, log, hold_out):
    """The reader of the raw data that prepared data came from; None if that is no longer there."""
    if record.KEY in known and "folder" not in known:
        return stock.maker(problem)
    folder = folder or known.get("folder")
    is_there = Path(folder).is_dir() if folder else problem.generates
    return held_out.reader(problem, folder, log, hold_out) if is_there else None


def _recorded(known) -> dict:
    """The record of what data was made from; {} if an older version made it."""
    found = known.get(record.KEY)
    return found if record.is_whole(found) else {}


def _added(reader, known, prepared):
    there = locate.open_data(prepared).info.splits
    return reader.found_since(_recorded(known).get("splits", {}), there)


def _changes(reader, known, added, with_files=True, but=""):
    """What changed, but for files of splits that were added."""
    recorded = _recorded(known)
    if not recorded:
        return []
    found = record.changes(recorded, reader, but)
    if not with_files:
        return found
    splits, now = recorded["splits"], reader.restamped(recorded["splits"])
    paths = {
        split: {os.path.abspath(os.path.join(reader.path, name)) for name in then}
        for split, then in splits.items()
    }
    of_others = set().union(*paths.values(), *(reader.stamps.get(split, ()) for split in added))
    for split, then in splits.items():
        there = {
            path: stamp
            for path, stamp in now.get(split, {}).items()
            if path in paths[split] or path not in of_others
        }
        if split not in added:
            found += record.file_changes(then, there, reader.path)
    return list(dict.fromkeys(found))


def _say(problem, changed, log):
    if changed:
        rest = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
        log(
            f"{problem.name}: what it was prepared from has changed: {', '.join(changed[:_NAMED])}"
            f"{rest}. What was prepared stays in use; to prepare it again, give {AGAIN}."
        )
