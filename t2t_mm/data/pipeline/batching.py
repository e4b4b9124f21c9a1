"""Batches of about equal cost: examples of like length together, as many as `batch_size` pays
for."""

import os

import numpy as np
import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.data.pipeline import references
from t2t_mm.data.pipeline.cost import boundaries, cost, fits, limit
from t2t_mm.problem.base import Problem

EVAL_LIMIT = 2**17  # longest example that finds a bucket of its own in evaluation


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
          one of n workers.
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
    problem, seed = problem.configure(hparams), int(seed) % 2**31
    edges = boundaries(hparams, limit(problem, hparams) if training else EVAL_LIMIT)
    worker, workers = share
    sizes = np.maximum(1, hparams.batch_size // edges // workers)
    data = problem.examples(split, shuffle_seed=seed if training else None)
    if workers > 1:
        data = data.shard(workers, worker)
    if training:
        buffer = min(problem.inputs.shuffle_buffer, problem.targets.shuffle_buffer)
        data = data.shuffle(buffer, seed=seed).repeat()

    threads = max(1, (os.cpu_count() or 1) - 1)
    each = references.are_in(data) and not training
    data = data.enumerate()
    if each:  # the inputs, encoded once, with each of them
        data = data.map(
            lambda index, raw: (index, raw | {"inputs": problem.encode_inputs(raw["inputs"])}),
            num_parallel_calls=threads,
        )
        data = data.flat_map(references.each)

    def encode(index, raw):
        example_seed = tf.stack([seed, tf.cast(index % 2**31, tf.int32)])
        inputs = (
            raw["inputs"] if each else problem.encode_inputs(raw["inputs"], training, example_seed)
        )
        targets = problem.encode_targets(
            references.draw(raw["targets"], example_seed), training, example_seed
        )
        mask = tf.ones(tf.shape(targets)[:1], tf.bool)
        example = {"targets": targets, "targets_mask": mask} | problem.inputs.in_batch(inputs)
        if numbered:
            example["number"] = index
        positions = tf.cast(problem.inputs.positions(inputs), tf.int64)
        return example, positions, tf.shape(targets, tf.int64)[0]

    def bucket(example, positions, length):
        index = tf.searchsorted(edges, [cost(problem, positions, length)], out_type=tf.int64)[0]
        index = tf.minimum(index, len(edges) - 1)
        # two shapes of input a bucket, so that few positions are padding
        return index * 2 + tf.cast(static_shapes and positions > tf.gather(edges, index), tf.int64)

    def pad(key, window):
        window = window.map(lambda example, positions, length: example)
        rows = tf.gather(sizes, key // 2)
        if not static_shapes:
            return window.padded_batch(rows)
        batch = window.padded_batch(rows, _static_shapes(problem, window.element_spec, key, edges))
        return batch.map(
            lambda batch: {name: _filled(value, rows) for name, value in batch.items()}
        )

    data = data.map(encode, num_parallel_calls=threads)
    if training:
        data = data.filter(
            lambda example, positions, length: fits(problem, hparams, positions, length)
        )
    data = data.group_by_window(
        bucket, pad, window_size_func=lambda key: tf.gather(sizes, key // 2)
    )
    options = tf.data.Options()
    options.deterministic = True
    options.threading.private_threadpool_size = threads
    return data.prefetch(2).with_options(options)


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
