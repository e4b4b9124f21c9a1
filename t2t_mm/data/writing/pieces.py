"""Pieces of a data set on their way to it: what a reader lists, loaded, encoded and sorted; see
shards.py."""

import collections
import concurrent.futures
import dataclasses
import functools
import hashlib
import heapq
import itertools
import json
import multiprocessing
import operator
import os
import pathlib
import pickle
import struct
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from t2t_mm import loading, registry
from t2t_mm.data.items import Broken, LeftOut, load
from t2t_mm.data.readers.base import Reader
from t2t_mm.errors import shortened
from t2t_mm.quiet import quiet

_FEW = 8  # pieces
_NAMED = 5  # broken examples that are named
_MERGED = 200  # pieces that are open at once
_LONGEST = 2**20  # bytes of what a piece says of itself
# Of a record in a piece: hash of its key, hash of what makes it the example it is, length.
_HEAD = struct.Struct("<16s8sI")


@dataclasses.dataclass
class Counts:
    """What became of the items of a piece or of a split."""

    items: int = 0
    good: int = 0
    broken: int = 0
    size: int = 0
    named: list = dataclasses.field(default_factory=list)
    left_out: dict = dataclasses.field(default_factory=dict)
    classes: dict = dataclasses.field(
        default_factory=dict
    )  # {feature: {number of class: examples}}

    def add(self, other: "Counts") -> None:
        """Adds those of other items."""
        self.items, self.good = self.items + other.items, self.good + other.good
        self.broken, self.size = self.broken + other.broken, self.size + other.size
        self.named = (self.named + other.named)[:_NAMED]
        self.left_out = dict(
            collections.Counter(self.left_out) + collections.Counter(other.left_out)
        )
        for name, found in other.classes.items():
            mine = collections.Counter(self.classes.get(name, {}))
            self.classes[name] = dict(mine + collections.Counter(found))


def workers_for(reader: Reader, total: int | None, wanted: int) -> int:
    """How many processes a split deserves: one if it is done before others would have started."""
    return 1 if total is not None and total <= _FEW * reader.PIECE else wanted


def make(
    reader: Reader, features: Any, split: str, source: Any, work: pathlib.Path, workers: int
) -> Iterator[tuple[pathlib.Path, Counts, bool]]:
    """Makes the pieces of a split.

    Args:
        reader: who reads.
        features: the TFDS FeaturesDict of its examples.
        split: name of the split.
        source: what the reader found for it.
        work: folder of the pieces.
        workers: processes; 1 is this one alone.

    Yields:
        (path, what became of its items, whether it was there already) for each piece, in order.
    """
    waiting: collections.deque = collections.deque()  # of (path, the job that makes it)
    load, depends = reader.loader(source), _depends(reader, features)
    encoder = Encoder(features, reader.IDENTITY)
    with _executor(workers) as pool:
        for number, items in enumerate(_batched(reader.items(source), reader.PIECE)):
            path = work / f"{split}-{number:06}-{_digest((depends, items))}.piece"
            job = None
            if not _is_whole(path):
                job = pool.submit(_make_piece, path, split, items, load, encoder)
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


def _depends(reader, features):
    """What, beside the items, a piece depends on: version, settings, features and their classes."""
    settings = {"name": reader.name, "folder": reader.path, **reader.settings()}
    settings = {key: repr(value) for key, value in settings.items()}
    return reader.VERSION, settings, encodings(features), _HEAD.format


def encodings(features: Any) -> dict[str, Any]:
    """What features depend on: {name: (its description, its classes)}."""
    return {
        name: (json.dumps(feature.to_json(), sort_keys=True), getattr(feature, "names", None))
        for name, feature in features.items()
    }


def _digest(contents):
    return hashlib.blake2b(pickle.dumps(contents), digest_size=8).hexdigest()


@dataclasses.dataclass(frozen=True)
class Encoder:
    """Makes records of examples.

    Attributes:
        features: the TFDS FeaturesDict.
        identity: names of the features that make an example the one it is; () for all.
    """

    features: Any
    identity: tuple[str, ...] = ()

    def record(self, example: Any) -> tuple[bytes, bytes, dict[str, int]]:
        """(identity [8 bytes], the example as TFDS stores it, {feature: number of its class}).
        Features are in an order that is the same in every process."""
        import tensorflow as tf

        proto = tf.train.Example.FromString(self.features.serialize_example(example))
        return (
            self.identity_of(proto),
            proto.SerializeToString(deterministic=True),
            {name: proto.features.feature[name].int64_list.value[0] for name in self.classes},
        )

    def identity_of(self, proto: Any) -> bytes:
        """Hash of the features of a tf.train.Example that make it the one it is."""
        digest, feature = hashlib.blake2b(digest_size=8), proto.features.feature
        for name in sorted(feature):
            if not self.identity or name.partition("/")[0] in self.identity:
                digest.update(name.encode() + feature[name].SerializeToString(deterministic=True))
        return digest.digest()

    @functools.cached_property
    def classes(self) -> dict[str, list[str]]:
        """{feature that is one of several classes: their names}."""
        import tensorflow_datasets as tfds

        return {
            name: each.names
            for name, each in self.features.items()
            if isinstance(each, tfds.features.ClassLabel)
        }


def _make_piece(path, split, items, loader, encoder) -> Counts:
    """Loads the items, and writes what they gave: a line of JSON, then records in the order of
    their hashes."""
    counts, records = Counts(items=len(items)), []
    left_out: collections.Counter[str] = collections.Counter()
    classes: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    for found in itertools.chain.from_iterable(load(item, loader) for item in items):
        if isinstance(found, LeftOut):
            left_out[found.reason] += 1
            continue
        if not isinstance(found, Broken):
            key, example = found
            place = hashlib.md5(f"{split}/{key}".encode("utf-8", "surrogateescape")).digest()
            try:
                identity, record, numbers = encoder.record(example)
                records.append((place, identity, record))
                for name, number in numbers.items():
                    classes[name][str(number)] += 1
                continue
            except (ValueError, TypeError, RuntimeError) as error:  # not what the features say
                found = Broken(str(key), " ".join(str(error).split())[:200])
        counts.broken += 1
        counts.named.append(f"{shortened(found.where)} ({shortened(found.reason)})")
    records.sort(key=operator.itemgetter(0))
    counts.named, counts.left_out, counts.good = counts.named[:_NAMED], dict(left_out), len(records)
    counts.size = sum(len(record) for *_, record in records)
    counts.classes = {name: dict(found) for name, found in classes.items()}
    _write_piece(path, counts, records)
    return counts


def _write_piece(path, counts, records):
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as file:
            file.write(json.dumps(dataclasses.asdict(counts)).encode() + b"\n")
            for place, identity, record in records:
                file.write(_HEAD.pack(place, identity, len(record)))
                file.write(record)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _read_counts(path) -> Counts:
    with open(path, "rb") as file:
        return Counts(**json.loads(file.readline(_LONGEST)))


def _is_whole(path) -> bool:
    """Whether a piece is there, and not cut off."""
    try:
        counts = _read_counts(path)
        size = counts.size + counts.good * _HEAD.size
        with open(path, "rb") as file:
            begin = len(file.readline(_LONGEST))
            return counts.items > 0 and begin + size == os.fstat(file.fileno()).st_size
    except (OSError, ValueError, TypeError):
        return False


def _records(path):
    """Yields (hash, identity, record) as they are in a piece."""
    with open(path, "rb") as file:
        file.readline()
        while head := file.read(_HEAD.size):
            place, identity, length = _HEAD.unpack(head)
            yield place, identity, file.read(length)


def identities(paths: Iterable[pathlib.Path]) -> Iterator[bytes]:
    """The identity of each example of all pieces; the examples themselves are not read."""
    for path in paths:
        with open(path, "rb") as file:
            file.readline()
            while head := file.read(_HEAD.size):
                _, identity, length = _HEAD.unpack(head)
                file.seek(length, os.SEEK_CUR)
                yield identity


def merged(paths: list[pathlib.Path]) -> Iterable[tuple[bytes, bytes, bytes]]:
    """(hash, identity, record) of all pieces in the order of the hashes."""
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
    directories = loading.user_directories()
    return concurrent.futures.ProcessPoolExecutor(workers, spawn, _begin, (directories,))


def _begin(directories):
    """A worker knows what the user has registered, and ends when the process that it works for was
    killed."""

    def watch():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    with quiet():  # each worker would print TensorFlow's start-up messages
        import tensorflow  # noqa: F401
    for path in directories:
        registry.load_directory(path)


class _ThisProcess(concurrent.futures.Executor):
    """Does the work at once, without another process."""

    def submit(self, function, *args):
        job = concurrent.futures.Future()
        job.set_result(function(*args))
        return job
