"""The training batches of all problems, and the position in each: saved and restored with a
checkpoint."""

import json
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from t2t_mm import files
from t2t_mm.config.hparams import HParams
from t2t_mm.data.pipeline.batching import batches, most_shapes
from t2t_mm.problem.base import Problem

READ = (
    "batch_size",
    "max_input_length",
    "max_target_length",
    "bucket_growth",
    "image_size",
    "spec_augment",
)


class Inputs:
    """Endless batches of each problem.

    Args:
        problems: resolved problems.
        hparams: hyperparameters.
        seed: random seed for order and augmentation, together with the step at which a problem is
            first read.
        static_shapes, share: see data.pipeline.batching.
    """

    def __init__(
        self,
        problems: Iterable[Problem],
        hparams: HParams,
        seed: int,
        static_shapes: bool = False,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.problems = {problem.name: problem for problem in problems}
        self.hparams, self.seed = hparams, seed
        self.static_shapes, self.share = static_shapes, share
        self._iterators: dict[str, Iterator] = {}
        self._seeds: dict[str, int] = {}
        # Problems that are to go on where a checkpoint was, and not read since: (folder, seed).
        self._saved: dict[str, tuple[Path, int]] = {}

    def next(self, name: str, step: int) -> dict[str, tf.Tensor]:
        """The next batch of a problem, for step `step`."""
        if name not in self._iterators:
            self._start(name, step)
        return next(self._iterators[name])

    def _start(self, name, step):
        folder, seed = self._saved.pop(name, (None, None))
        if seed is None:  # the step is in it, so that what was read before is not read again
            sequence = np.random.SeedSequence((self.seed, step, zlib.crc32(name.encode())))
            seed = int(sequence.generate_state(1)[0] // 2)
        data = batches(
            self.problems[name],
            "train",
            self.hparams,
            training=True,
            seed=seed,
            static_shapes=self.static_shapes,
            share=self.share,
        )
        self._iterators[name], self._seeds[name] = iter(data), seed
        if folder:
            tf.train.Checkpoint(iterator=self._iterators[name]).read(
                str(folder / name)
            ).assert_consumed()

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
        files.write_json(folder / "seeds.json", {"reading": self._reading(), "seeds": seeds})

    def restore(self, folder: str | os.PathLike) -> bool:
        """Goes on where `save` was; false if nothing is there, or batches are made in another way
        now."""
        folder = self._of_worker(folder)
        file = folder / "seeds.json"
        saved = json.loads(file.read_text()) if file.is_file() else {}
        if saved.get("reading") != self._reading():
            return False
        self._saved = {
            name: (folder, seed) for name, seed in saved["seeds"].items() if name in self.problems
        }
        return True

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
