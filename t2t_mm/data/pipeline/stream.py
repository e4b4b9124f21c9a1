"""The training batches of all problems, and where each stands: saved with a checkpoint, gone on
from after it."""

import json
import shutil
import zlib
from pathlib import Path

import numpy as np
import tensorflow as tf

from t2t_mm.data.pipeline.batching import batches, most_shapes

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
        hparams: HParams.
        seed: of order and augmentation; together with the step at which a problem is first read.
        static_shapes, share: see input.batching.
    """

    def __init__(self, problems, hparams, seed, static_shapes=False, share=(0, 1)):
        self.problems = {problem.name: problem for problem in problems}
        self.hparams, self.seed, self.static_shapes, self.share = (
            hparams,
            seed,
            static_shapes,
            share,
        )
        self._iterators, self._seeds, self._saved = {}, {}, {}

    def next(self, name, step):
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

    def save(self, folder):
        """Writes where every problem stands into a folder of the given one, made anew: one for each
        worker."""
        folder = self._of_worker(folder)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, iterator in self._iterators.items():
            tf.train.Checkpoint(iterator=iterator).write(str(folder / name))
        for name, (
            before,
            _,
        ) in self._saved.items():  # not read since the last start: still where it was
            for path in before.glob(f"{name}.*"):
                shutil.copy(path, folder)
        self._saved = {name: (folder, seed) for name, (_, seed) in self._saved.items()}
        seeds = self._seeds | {name: seed for name, (_, seed) in self._saved.items()}
        (folder / "seeds.json").write_text(json.dumps({"reading": self._reading(), "seeds": seeds}))

    def restore(self, folder) -> bool:
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

    def _of_worker(self, folder):
        return Path(folder) / f"worker-{self.share[0]}"

    def _reading(self):
        """What the batches depend on, besides the data."""
        ways = {
            "static_shapes": self.static_shapes,
            "share": list(self.share),
            "tensorflow": tf.__version__,
        }
        return {name: getattr(self.hparams, name) for name in READ} | ways
