"""The training batches of all problems, and the position in each: saved and restored with a
checkpoint."""

import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import numpy as np
import tensorflow as tf

from t2t_mm import files, records
from t2t_mm.config.hparams import HParams
from t2t_mm.data.pipeline.batching import Batching, most_shapes
from t2t_mm.data.pipeline.earlier import EarlierStream
from t2t_mm.data.pipeline.position import Position, Recorded
from t2t_mm.data.pipeline.problem_stream import ProblemStream
from t2t_mm.errors import UserError
from t2t_mm.problem.base import Problem
from t2t_mm.problem.damage import reading

PLACE_FILE = "seeds.json"
READ = (
    "batch_size",
    "max_input_length",
    "max_target_length",
    "bucket_growth",
    "image_size",
    "spec_augment",
)


class _Saved(TypedDict, total=False):
    data: dict[str, str]  # where the files are that are read; new in version 0.2
    examples: dict[str, int]  # how many of them are read, if not all; new in version 0.2
    positions: dict[str, Recorded]  # new in version 0.2: before, each has files of its own
    checksum: int  # of all else; new in version 0.2


class Place(_Saved):
    """What is saved of the place in the data: how batches are made, {problem: seed}, and where
    each problem is."""

    reading: dict[str, Any]
    seeds: dict[str, int]


class _Waiting(NamedTuple):
    """Where a checkpoint was in a problem that has not been read since."""

    seed: int
    position: Recorded | None
    files: Path  # `<files>.*` in place of a position


def read_place(folder: Path) -> Place:
    """What `Inputs.save` wrote of a worker into its folder.

    Raises:
        UserError: it can't be read.
    """
    place = records.read_json(folder / PLACE_FILE, Place)
    if "checksum" in place and place["checksum"] != _checksum(place):
        raise UserError(
            f"{folder / PLACE_FILE} can't be read: it has other values than were written, by their "
            "checksum."
        )
    return place


def _checksum(place: Place) -> int:
    return zlib.crc32(json.dumps(dict(place, checksum=0), sort_keys=True).encode())


class Inputs:
    """Endless batches of each problem.

    Args:
        problems: resolved problems.
        hparams: hyperparameters.
        seed: random seed for order and augmentation, together with the step at which a problem is
            first read.
        static_shapes, share: see data.pipeline.batching.
        log: function of one line.
    """

    def __init__(
        self,
        problems: Iterable[Problem],
        hparams: HParams,
        seed: int,
        static_shapes: bool = False,
        share: tuple[int, int] = (0, 1),
        log: Callable[[str], Any] = print,
    ) -> None:
        self.problems = {problem.name: problem for problem in problems}
        self.hparams, self.seed = hparams, seed
        self.static_shapes, self.share, self.log = static_shapes, share, log
        self._streams: dict[str, ProblemStream | EarlierStream] = {}
        self._waiting: dict[str, _Waiting] = {}

    def next(self, name: str, step: int) -> dict[str, tf.Tensor]:
        """The next batch of a problem, for step `step`."""
        with reading(self.problems[name]):
            if name not in self._streams:
                self._streams[name] = self._resumed(name) or self._fresh(name, step)
            return self._streams[name].next()

    def _fresh(self, name, step) -> ProblemStream:
        # the step is in it, so that what was read before is not read again
        sequence = np.random.SeedSequence((self.seed, step, zlib.crc32(name.encode())))
        return ProblemStream(self._batching(name, int(sequence.generate_state(1)[0] // 2)))

    def _resumed(self, name) -> ProblemStream | EarlierStream | None:
        """What goes on where a checkpoint was; None if there is no such, or its data is another."""
        if name not in self._waiting:
            return None
        seed, position, path = self._waiting.pop(name)
        if position is None:
            earlier = EarlierStream(self._batching(name, seed))
            try:
                earlier.read(path)
                return earlier
            except tf.errors.NotFoundError:  # of the data's files, which are named in it
                self._tell_of_new_order(name)
                return None
        stream = ProblemStream(self._batching(name, seed), Position.of(position))
        if stream.examples == position["examples"]:
            return stream
        self._tell_of_other_examples(name)
        return None

    def _batching(self, name, seed) -> Batching:
        """How the examples of a problem become batches."""
        problem, ways = self.problems[name], (self.static_shapes, self.share)
        return Batching(problem, self.hparams, True, seed, *ways)

    def _tell_of_new_order(self, name):
        self.log(f"The data of {name} has moved: its order starts again.")

    def _tell_of_other_examples(self, name):
        self.log(f"{name} trains on other examples than before: their order starts again.")

    def most_shapes(self) -> int:
        """How many shapes batches can have at most, of all problems; with static shapes."""
        return sum(most_shapes(problem, self.hparams) for problem in self.problems.values())

    def save(self, folder: str | os.PathLike) -> None:
        """Writes the position in every problem into a folder of the given one, made again: one for
        each worker."""
        folder = self._of_worker(folder)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        positions = {}
        for name, stream in self._streams.items():
            if isinstance(stream, EarlierStream):
                stream.write(folder / name)
            else:
                positions[name] = stream.recorded()
        for name, (seed, position, path) in self._waiting.items():  # still where it was
            if position:
                positions[name] = position
            for file in () if position else path.parent.glob(f"{name}.*"):
                shutil.copy(file, folder)
            self._waiting[name] = _Waiting(seed, position, folder / name)
        seeds = {name: each.seed for name, each in (self._streams | self._waiting).items()}
        limits = {name: problem.train_examples for name, problem in self.problems.items()}
        place = {
            "reading": self._reading(),
            "seeds": seeds,
            "data": self._data(),
            "examples": {name: count for name, count in limits.items() if count},
            "positions": positions,
        }
        files.write_json(folder / PLACE_FILE, place | {"checksum": _checksum(place)})

    def restore(self, folder: str | os.PathLike) -> bool:
        """Goes on where `save` was; false if nothing is there, or batches are made in another way
        now. The order of data that has been moved since starts again."""
        folder = self._of_worker(folder)
        if not (folder / PLACE_FILE).exists():
            return False
        saved = read_place(folder)
        if saved["reading"] != self._reading():
            return False
        positions = saved.get("positions", {})
        self._waiting = {
            name: _Waiting(seed, positions.get(name), folder / name)
            for name, seed in saved["seeds"].items()
            if name in self.problems
        }
        self._leave_changed(saved)
        return True

    def _leave_changed(self, saved: Place) -> None:
        """Begins anew with data that is another than what was saved, and says so."""
        now, then, counts = self._data(), saved.get("data", {}), saved.get("examples", {})
        for name, waiting in list(self._waiting.items()):
            if name not in now or not (name in then or waiting.position):
                continue  # in no files; or the files are named in what an earlier version wrote
            if not _is_same(then.get(name, ""), now[name]):
                self._tell_of_new_order(name)
            elif counts.get(name, 0) != self.problems[name].train_examples:
                self._tell_of_other_examples(name)
            else:
                continue
            del self._waiting[name]

    def _data(self) -> dict[str, str]:
        """{problem: folder of its data}, of those that have one."""
        folders = {name: problem.folder_of_data for name, problem in self.problems.items()}
        return {name: str(folder) for name, folder in folders.items() if folder}

    def _of_worker(self, folder) -> Path:
        return Path(folder) / f"worker-{self.share[0]}"

    def _reading(self) -> dict:
        """What the batches depend on, besides the data."""
        ways = {
            "static_shapes": self.static_shapes,
            "share": list(self.share),
            "tensorflow": tf.__version__,
        }
        return {name: getattr(self.hparams, name) for name in READ} | ways


def _is_same(then: str, now: str) -> bool:
    return then == now or os.path.exists(then) and os.path.samefile(then, now)
