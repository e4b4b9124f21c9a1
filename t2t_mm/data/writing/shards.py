"""Writes a data set piece by piece: killed at any moment and started again, it loses one piece of
work.

The items of a reader are cut into pieces. Each is loaded, encoded, sorted by the hashes of its
keys, and put into a file named after what was in it, by several processes where wanted. When all
are there, they are merged into shards, in the order of the hashes, which is random but always the
same: the data depends on neither workers nor interruptions. Memory holds a few pieces, whatever
the size of the data set.
"""

import contextlib
import itertools
import os
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

from t2t_mm import locks
from t2t_mm.data.writing import pieces
from t2t_mm.data.writing.options import DEFAULTS, Options, Status
from t2t_mm.errors import UserError

BROKEN_LIMIT = 0.01  # share of a split's examples that may be broken, and is left out
SHARD_BYTES = 2**28
UNFINISHED = "unfinished"  # folder beside the versions of a data set, for pieces
# Broken examples after which it stops early, if they are more than a tenth of the good ones.
_GIVE_UP = 1_000


def write(builder: Any, options: Options = DEFAULTS) -> None:
    """Writes the data set of a builder.ReaderBuilder to its `data_path`, unless it is there.

    Raises:
        UserError: too many examples are broken, a split has none, or another process is at it.
    """
    path = pathlib.Path(builder.data_path)
    work = path.parent / UNFINISHED
    if path.exists():
        return
    with alone(work):
        if path.exists():
            return
        made = {
            split: _make_pieces(builder, split, source, work, options)
            for split, source in builder.reader.sources.items()
        }
        written = work / "dataset"
        shutil.rmtree(written, ignore_errors=True)
        written.mkdir()
        _merge_all(builder, made, written, options)
        os.replace(written, path)
        # while it is ours: another process may begin as soon as it isn't
        shutil.rmtree(work, ignore_errors=True)


@contextlib.contextmanager
def alone(work: pathlib.Path) -> Iterator[None]:
    """Makes a folder, and lets one process at a time into it; the lock goes when the process does,
    however it ends.

    Raises:
        UserError: another process is at it.
    """
    work.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locks.locked(work / "lock"))
        except (locks.Locked, FileNotFoundError):  # the latter if that process has just ended
            raise UserError(
                f"Another process is preparing {work.parent}. Wait for it to end, and run this "
                f"again."
            ) from None
        yield


def _make_pieces(builder, split, source, work, options):
    """(paths of the pieces, pieces.Counts) of a split."""
    reader, features = builder.reader, builder.info.features
    status = Status(f"{reader.name} {split}", total=reader.total(source))
    counts, paths = pieces.Counts(), []
    workers = pieces.workers_for(reader, status.total, options.workers)
    for path, made, was_there in pieces.make(reader, features, split, source, work, workers):
        counts.add(made)
        paths.append(path)
        status.done, status.size = counts.items, counts.size
        status.found += made.items if was_there else 0
        options.report(status)
        if counts.broken > _GIVE_UP and counts.broken > counts.good / 10:
            break
    _check(reader, split, counts)
    return paths, counts


def _check(reader, split, counts):
    """Refuses a split with too many broken examples or no good one; logs what was left out."""
    total = counts.good + counts.broken
    names = ", ".join(counts.named) + (", ..." if counts.broken > len(counts.named) else "")
    if counts.broken > BROKEN_LIMIT * total:
        raise UserError(
            f"{reader.folder}: {counts.broken} of {total} {split} examples are broken, more than "
            f"the {BROKEN_LIMIT:.0%} that may be left out: {names}. Repair or remove them."
        )
    if not counts.good:
        reasons = "".join(f"; {count} {reason}" for reason, count in counts.left_out.items())
        raise UserError(
            f"{reader.folder}: its {split} files hold no example{reasons}. Expected "
            f"{reader.expected()}."
        )
    if counts.broken:
        counts.left_out[f"broken: {names}"] = counts.broken
    for reason, count in counts.left_out.items():
        reader.note(f"{split}: left out {count} {reason}")


def _merge_all(builder, made, written, options):
    """Writes the shards of all splits, and what TFDS keeps beside them."""
    import tensorflow_datasets as tfds

    infos = []
    for split, (paths, counts) in made.items():
        template = tfds.core.ShardedFileTemplate(
            data_dir=builder.data_path,
            dataset_name=builder.name,
            split=split,
            filetype_suffix="tfrecord",
        )
        status = Status(f"{builder.reader.name} {split}", total=counts.good, merging=True)
        there = template.replace(data_dir=written)
        lengths = _write_shards(pieces.merged(paths), counts, there, status, options.report)
        infos.append(
            tfds.core.SplitInfo(
                name=split, shard_lengths=lengths, num_bytes=counts.size, filename_template=template
            )
        )
        builder.info.metadata[split] = {"examples": counts.good, "left_out": counts.left_out}
    builder.info.set_splits(tfds.core.SplitDict(infos))
    builder.info.write_to_directory(written)


def _write_shards(records, counts, template, status, report):
    """Writes the records to as many shards as their size needs; the number of examples in
    each."""
    import tensorflow as tf

    shards = max(1, min(counts.good, -(-counts.size // SHARD_BYTES)))
    edges = [counts.good * shard // shards for shard in range(shards + 1)]
    lengths = [after - before for before, after in itertools.pairwise(edges)]
    for shard, length in enumerate(lengths):
        path = template.sharded_filepath(shard_index=shard, num_shards=shards)
        with tf.io.TFRecordWriter(os.fspath(path)) as writer:
            for _, record in itertools.islice(records, length):
                writer.write(record)
                status.done, status.size = status.done + 1, status.size + len(record)
                if status.done % 1_000 == 0:
                    report(status)
    report(status)
    return lengths
