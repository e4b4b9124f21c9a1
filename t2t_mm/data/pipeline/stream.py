"""The training batches of all problems, and the position in each: saved and restored with a
checkpoint."""

import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import tensorflow as tf

from t2t_mm import files, records
from t2t_mm.config.hparams import HParams
from t2t_mm.data.pipeline.batching import batches, most_shapes
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
    data: dict[str, str]  # where the files are that the positions name; new in version 0.2
    examples: dict[str, int]  # how many of them are read, if not all; new in version 0.2


class Place(_Saved):
    """What is saved beside the positions in the data: how batches are made, and {problem: seed}."""

    reading: dict[str, Any]
    seeds: dict[str, int]


def read_place(folder: Path) -> Place:
    """What `Inputs.save` wrote of a worker into its folder.

    Raises:
        UserError: it can't be read.
    """
    return records.read_json(folder / PLACE_FILE, Place)


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
        self._iterators: dict[str, Iterator] = {}
        self._seeds: dict[str, int] = {}
        # Problems that are to go on where a checkpoint was, and not read since: (folder, seed).
        self._saved: dict[str, tuple[Path, int]] = {}

    def next(self, name: str, step: int) -> dict[str, tf.Tensor]:
        """The next batch of a problem, for step `step`."""
        if name not in self._iterators:
            self._start(name, step)
        with reading(self.problems[name]):
            return next(self._iterators[name])

    def _start(self, name, step):
        if name in self._saved:
            folder, seed = self._saved.pop(name)
            iterator = self._iterator(name, seed)
            try:
                saved = tf.train.Checkpoint(iterator=iterator).read(str(folder / name))
                saved.assert_consumed()
            except tf.errors.NotFoundError:  # of the data's files, which are named in it
                self._tell_of_new_order(name)
            else:
                self._iterators[name], self._seeds[name] = iterator, seed
                return
        # the step is in it, so that what was read before is not read again
        sequence = np.random.SeedSequence((self.seed, step, zlib.crc32(name.encode())))
        self._seeds[name] = seed = int(sequence.generate_state(1)[0] // 2)
        self._iterators[name] = self._iterator(name, seed)

    def _iterator(self, name, seed):
        problem, ways = self.problems[name], {"static_shapes": self.static_shapes}
        data = batches(
            problem, "train", self.hparams, training=True, seed=seed, share=self.share, **ways
        )
        return iter(data)

    def _tell_of_new_order(self, name):
        self.log(f"The data of {name} has moved: its order starts again.")

    def most_shapes(self) -> int:
        """How many shapes batches can have at most, of all problems; with static shapes."""
        return sum(most_shapes(problem, self.hparams) for problem in self.problems.values())

    def save(self, folder: str | os.PathLike) -> None:
        """Writes the position in every problem into a folder of the given one, made again: one for
        each worker."""
        folder = self._of_worker(folder)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, iterator in self._iterators.items():
            tf.train.Checkpoint(iterator=iterator).write(str(folder / name))
        for name, (before, _) in self._saved.items():  # not read since: still where it was
            for path in before.glob(f"{name}.*"):
                shutil.copy(path, folder)
        self._saved = {name: (folder, seed) for name, (_, seed) in self._saved.items()}
        seeds = self._seeds | {name: seed for name, (_, seed) in self._saved.items()}
        limits = {name: problem.train_examples for name, problem in self.problems.items()}
        place = {
            "reading": self._reading(),
            "seeds": seeds,
            "data": self._data(),
            "examples": {name: count for name, count in limits.items() if count},
        }
        files.write_json(folder / PLACE_FILE, place)

    def restore(self, folder: str | os.PathLike) -> bool:
        """Goes on where `save` was; false if nothing is there, or batches are made in another way
        now. The order of data that has been moved since starts again."""
        folder = self._of_worker(folder)
        if not (folder / PLACE_FILE).exists():
            return False
        saved = read_place(folder)
        if saved["reading"] != self._reading():
            return False
        self._saved = {
            name: (folder, seed) for name, seed in saved["seeds"].items() if name in self.problems
        }
        now, counts = self._data(), saved.get("examples", {})
        for name, then in saved.get("data", {}).items():
            if name not in self._saved or name not in now:
                continue
            if not _is_same(then, now[name]):
                self._tell_of_new_order(name)
            elif counts.get(name, 0) != self.problems[name].train_examples:
                self.log(f"{name} trains on other examples than before: their order starts again.")
            else:
                continue
            del self._saved[name]
        return True

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
