"""Batches of about equal cost: examples of like length together, as many as `batch_size` pays
for."""

import os
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.data.pipeline import references
from t2t_mm.data.pipeline.cost import boundaries, cost, fits, limit
from t2t_mm.data.pipeline.order import Order
from t2t_mm.data.pipeline.position import NONE_BEFORE, Position
from t2t_mm.errors import UserError
from t2t_mm.problem import keys
from t2t_mm.problem.base import Problem

EVAL_LIMIT = 2**17  # longest example that finds a bucket of its own in evaluation
TAKEN = "taken"  # of a training batch, what Position.take wants


def batches(
    problem: Problem,
    split: str,
    hparams: HParams,
    *,
    training: bool,
    seed: int = 0,
    static_shapes: bool = False,
    share: tuple[int, int] = (0, 1),
    numbered: bool = False,
) -> tf.data.Dataset:
    """Batches of a resolved problem.

    In training they never end, are shuffled by `seed`, and leave out examples over
    `max_input_length` or `max_target_length` (`describe` counts them). Otherwise they hold every
    example of the split exactly once, however long. Of several targets, training draws one;
    otherwise each makes an example.

    Args:
      problem: a resolved Problem.
      split: "train", "validation" or "test".
      hparams: `batch_size` pays for the examples of a batch, each at its bucket's boundary (see
          `cost`).
      training: as above; also turns augmentation on.
      seed: of order and augmentation; the same seed gives the same batches.
      static_shapes: pad to the bucket's boundary (inputs to it or to twice it) and not only to the
        longest example, and a bucket's last batch to as many rows as the others, so that compiled
        steps meet few shapes.
      share: (i, n): of the examples, the i-th of n shares, in batches of an n-th of the size; for
          one of n workers, which share the files between them.
      numbered: each example has its place in the split, "number" (int64 [B]), too; one for all its
          targets.
    Returns:
      Data set of dicts: "inputs" (int32 [B, L], float32 [B, H, W, C] or float32 [B, L, ...]),
      "inputs_mask" (bool [B, L]; not for pictures), "targets" (int32 [B, T]; of
      several values at once float32 [B, 1, values]) and "targets_mask" (bool [B, T]). Of several
      inputs, each is there as "inputs/<field>" and "inputs/<field>_mask" (bool [B, L]; of pictures
      [B, 1]).
    Raises:
      UserError: if the problem has no such split.
    """
    batching = Batching(problem, hparams, training, seed, static_shapes, share)
    if not training:
        return batching.every(split, numbered)
    return batching.since(Position(), batching.order(split)).map(
        lambda batch: {name: value for name, value in batch.items() if name != TAKEN}
    )


class Batching:
    """How the examples of a problem become batches; arguments as of `batches`."""

    def __init__(
        self,
        problem: Problem,
        hparams: HParams,
        training: bool,
        seed: int = 0,
        static_shapes: bool = False,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.problem, self.hparams = problem.configure(hparams), hparams
        self.training, self.seed = training, int(seed) % 2**31
        self.static_shapes, self.share = static_shapes, share
        self.edges = boundaries(hparams, limit(self.problem, hparams) if training else EVAL_LIMIT)
        self.sizes = np.maximum(1, hparams.batch_size // self.edges // share[1])  # by bucket
        self.threads = max(1, (os.cpu_count() or 1) - 1)

    @property
    def shuffled(self) -> int:
        """How many examples may be in memory to be shuffled."""
        return min(self.problem.inputs.shuffle_buffer, self.problem.targets.shuffle_buffer)

    def order(self, split: str = "train") -> Order:
        """The order in which training reads this share of a split.

        Raises:
            UserError: if there is no such split, or the share is empty.
        """
        records = self.problem.records(split)
        part = records.share(*self.share)
        if not part.count:
            raise UserError(
                f"{self.problem.name} has {records.count} {split} examples, too few to share them "
                f"between {self.share[1]} workers."
            )
        return Order(part, self.seed, -(-self.shuffled // 2))

    def since(self, position: Position, order: Order) -> tf.data.Dataset:
        """The batches of training from a position in an order on; each also has TAKEN, what
        `Position.take` wants."""

        def encode(number, record):
            example, *sizes = self.encode(number, order.records.parse(record))
            return example | {TAKEN: number}, *sizes

        data = order.since(position.next)
        if len(position.held):
            data = order.at(position.held).concatenate(data)
        data = data.map(encode, num_parallel_calls=self.threads).filter(self.fits)
        return self.grouped(data.scan(np.int64(NONE_BEFORE), _after))

    def every(self, split: str, numbered: bool = False) -> tf.data.Dataset:
        """Batches of every example of this share of a split."""
        data = (
            self.problem.records(split).share(*self.share).examples()
            if self.share[1] > 1
            else self.problem.examples(split)
        )
        each = references.are_in(data)
        data = data.enumerate()
        if each:  # the inputs, encoded once, with each of them
            data = data.map(
                lambda index, raw: (
                    index,
                    raw | {"inputs": self.problem.encode_inputs(raw["inputs"])},
                ),
                num_parallel_calls=self.threads,
            )
            data = data.flat_map(references.each)

        def encode(number, raw):
            example, *sizes = self.encode(number, raw, raw["inputs"] if each else None)
            return example | ({"number": number} if numbered else {}), *sizes

        return self.grouped(data.map(encode, num_parallel_calls=self.threads))

    def encode(self, number: Any, raw: dict, inputs: Any = None) -> tuple:
        """The example of that number as it is in a batch, its body positions, the length of its
        targets; `inputs` if they are encoded already."""
        seed = tf.stack([self.seed, tf.cast(number % 2**31, tf.int32)])
        if inputs is None:
            inputs = self.problem.encode_inputs(raw["inputs"], self.training, seed)
        drawn = references.draw(raw["targets"], seed)
        targets = self.problem.encode_targets(drawn, self.training, seed)
        mask = tf.ones(tf.shape(targets)[:1], tf.bool)
        example = {"targets": targets, "targets_mask": mask} | self.problem.inputs.in_batch(inputs)
        positions = tf.cast(self.problem.inputs.positions(inputs), tf.int64)
        return example, positions, tf.shape(targets, tf.int64)[0]

    def fits(self, example: dict, positions: Any, length: Any) -> Any:
        """Whether training takes what `encode` gave."""
        return fits(self.problem, self.hparams, positions, length)

    def grouped(self, data: tf.data.Dataset) -> tf.data.Dataset:
        """Batches of what `encode` gave."""
        data = data.group_by_window(
            self._bucket, self._pad, window_size_func=lambda key: tf.gather(self.sizes, key // 2)
        )
        options = keys.untuned()
        options.deterministic = True
        options.threading.private_threadpool_size = self.threads
        return data.prefetch(2).with_options(options)

    def _bucket(self, example, positions, length):
        worth = [cost(self.problem, positions, length)]
        index = tf.searchsorted(self.edges, worth, out_type=tf.int64)[0]
        index = tf.minimum(index, len(self.edges) - 1)
        # two shapes of input a bucket, so that few positions are padding
        is_long = self.static_shapes and positions > tf.gather(self.edges, index)
        return index * 2 + tf.cast(is_long, tf.int64)

    def _pad(self, key, window):
        window = window.map(lambda example, positions, length: example)
        rows = tf.gather(self.sizes, key // 2)
        if not self.static_shapes:
            return window.padded_batch(rows)
        shapes = _static_shapes(self.problem, window.element_spec, key, self.edges)
        return window.padded_batch(rows, shapes).map(
            lambda batch: {name: _filled(value, rows) for name, value in batch.items()}
        )


def _after(before, element):
    """For `scan`: an example with its number, and with that of the one before it."""
    example, positions, length = element
    number = example[TAKEN]
    return number, (example | {TAKEN: tf.stack([number, before])}, positions, length)


def most_shapes(problem: Problem, hparams: HParams) -> int:
    """How many shapes the training batches of a problem can have with static shapes: two for each
    bucket."""
    edges = len(boundaries(hparams, limit(problem, hparams)))
    return 2 * edges if problem.inputs.masked and problem.targets.is_sequence else edges


def _static_shapes(problem, spec, key, edges):
    """Shapes that depend on the bucket alone; dimensions that are known stay."""
    edge = tf.gather(edges, key // 2)
    is_class = not problem.targets.is_sequence
    positions = edge if is_class else edge * (1 + key % 2)
    lengths = dict.fromkeys(("targets", "targets_mask"), 1 if is_class else edge)
    lengths |= problem.inputs.static_lengths(positions)

    def shape(name):
        known = spec[name].shape.as_list()
        return tf.stack(
            [tf.cast(lengths[name] if size is None else size, tf.int64) for size in known]
        )

    return {name: shape(name) for name in spec}


def _filled(value, rows):
    """The last batch of a bucket with as many rows as the others: those that are added are
    padding."""
    missing = tf.cast(rows, tf.int32) - tf.shape(value)[0]
    return tf.pad(value, [[0, missing], *[[0, 0]] * (value.shape.rank - 1)])
