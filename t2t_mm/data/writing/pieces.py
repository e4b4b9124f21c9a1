"""Pieces of a data set on their way to it: what a reader lists, loaded, encoded and sorted; see
writing.py."""

import collections
import concurrent.futures
import dataclasses
import hashlib
import heapq
import itertools
import json
import multiprocessing
import operator
import os
import pickle
import struct
import threading

_FEW = 8  # pieces
_NAMED = 5  # broken examples that are named
_MERGED = 200  # pieces that are open at once
_HEAD = struct.Struct("<16sI")  # of a record in a piece: hash of its key, length


@dataclasses.dataclass
class Counts:
    """What became of the items of a piece or of a split."""

    items: int = 0
    good: int = 0
    broken: int = 0
    size: int = 0
    named: list = dataclasses.field(default_factory=list)
    left_out: dict = dataclasses.field(default_factory=dict)

    def add(self, other: "Counts"):
        self.items, self.good = self.items + other.items, self.good + other.good
        self.broken, self.size = self.broken + other.broken, self.size + other.size
        self.named = (self.named + other.named)[:_NAMED]
        self.left_out = dict(
            collections.Counter(self.left_out) + collections.Counter(other.left_out)
        )


def make(builder, split, source, work, workers, total):
    """Yields (path, Counts, whether it was there already) for each piece, in their order."""
    waiting, load, encoding = collections.deque(), builder.loader(source), _encoding(builder)
    if total is not None and total <= _FEW * builder.PIECE:
        workers = 1  # done before other processes would have started
    with _executor(workers) as pool:
        for number, items in enumerate(_batched(builder.items(source), builder.PIECE)):
            path = work / f"{split}-{number:06}-{_digest((encoding, items))}.piece"
            if path.exists():
                waiting.append((path, None))
            else:
                job = pool.submit(_make_piece, path, split, items, load, builder.info.features)
                waiting.append((path, job))
            while len(waiting) > 2 * workers or (waiting and workers == 1):
                yield _finished(*waiting.popleft())
        while waiting:
            yield _finished(*waiting.popleft())


def _finished(path, job):
    return path, job.result() if job else _read_counts(path), job is None


def _batched(items, size):
    items = iter(items)
    while batch := list(itertools.islice(items, size)):
        yield batch


def _encoding(builder):
    """What, beside the items, decides what a piece holds: version, settings, features and their
    classes."""
    config = builder.builder_config
    settings = {
        field.name: repr(getattr(config, field.name))
        for field in dataclasses.fields(config)
        if field.name not in ("log", "problem")
    }
    features = {
        name: (json.dumps(feature.to_json(), sort_keys=True), getattr(feature, "names", None))
        for name, feature in builder.info.features.items()
    }
    return str(builder.VERSION), settings, features


def _digest(contents):
    return hashlib.blake2b(pickle.dumps(contents), digest_size=8).hexdigest()


def _make_piece(path, split, items, load, features) -> Counts:
    """Loads the items, and writes what they gave: a line of JSON, then records in the order of
    their hashes."""
    from t2t_mm.data.readers.raw import Broken, LeftOut

    counts, records, left_out = Counts(items=len(items)), [], collections.Counter()
    for item in items:
        for found in [item] if isinstance(item, Broken | LeftOut) else load(item):
            if isinstance(found, Broken):
                counts.broken += 1
                counts.named.append(f"{found.where} ({found.reason})")
            elif isinstance(found, LeftOut):
                left_out[found.reason] += 1
            else:
                key, example = found
                place = hashlib.md5(f"{split}/{key}".encode("utf-8", "surrogateescape")).digest()
                try:
                    records.append((place, _serialized(features, example)))
                except (
                    ValueError,
                    TypeError,
                    RuntimeError,
                ) as error:  # it is not what the features say
                    counts.broken += 1
                    counts.named.append(f"{key} ({' '.join(str(error).split())[:200]})")
    records.sort(key=operator.itemgetter(0))
    counts.named, counts.left_out, counts.good = counts.named[:_NAMED], dict(left_out), len(records)
    counts.size = sum(len(record) for _, record in records)
    _write_piece(path, counts, records)
    return counts


def _serialized(features, example) -> bytes:
    """The example as TFDS stores it, its features in an order that is the same in every process."""
    import tensorflow as tf

    return tf.train.Example.FromString(features.serialize_example(example)).SerializeToString(
        deterministic=True
    )


def _write_piece(path, counts, records):
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as file:
            file.write(json.dumps(dataclasses.asdict(counts)).encode() + b"\n")
            for place, record in records:
                file.write(_HEAD.pack(place, len(record)))
                file.write(record)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _read_counts(path) -> Counts:
    with open(path, "rb") as file:
        return Counts(**json.loads(file.readline()))


def _records(path):
    """Yields (hash, record) as they are in a piece."""
    with open(path, "rb") as file:
        file.readline()
        while head := file.read(_HEAD.size):
            place, length = _HEAD.unpack(head)
            yield place, file.read(length)


def merged(paths):
    """(hash, record) of all pieces in the order of the hashes."""
    while len(paths) > _MERGED:  # more than may be open at once
        group, paths = paths[:_MERGED], paths[_MERGED:]
        together = group[0].with_suffix(".merged")
        _write_piece(
            together, Counts(), heapq.merge(*map(_records, group), key=operator.itemgetter(0))
        )
        paths.append(together)
    return heapq.merge(*map(_records, paths), key=operator.itemgetter(0))


def _executor(workers):
    if workers == 1:
        return _ThisProcess()
    # not forked: a copy of a process with TensorFlow's threads may hang
    spawn = multiprocessing.get_context("spawn")
    return concurrent.futures.ProcessPoolExecutor(workers, spawn, _end_with_parent)


def _end_with_parent():
    """A worker ends when the process that it works for was killed."""

    def watch():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class _ThisProcess(concurrent.futures.Executor):
    """Does the work at once, without another process."""

    def submit(self, function, *args):
        job = concurrent.futures.Future()
        job.set_result(function(*args))
        return job
