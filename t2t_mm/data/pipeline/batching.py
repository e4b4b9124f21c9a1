"""Batches of about equal cost: examples of like length together, as many as `batch_size` pays
for."""

import dataclasses
import os

import numpy as np
import tensorflow as tf

from t2t_mm.data.pipeline import references
from t2t_mm.errors import UserError

FIRST_BOUNDARY = 4
EVAL_LIMIT = 2**17  # longest example that finds a bucket of its own in evaluation
READING = {
    "language": 1,
    "audio": 2,
    "image": 4,
}  # what an input position costs, in halves of a target token
SHUFFLED = {
    "language": 2**13,
    "categorical": 2**13,
    "image": 2**10,
    "audio": 2**9,
}  # examples to draw from


def cost(problem, positions, length):
    """What an example costs, in target tokens (works on integers, arrays and tensors).

    A decoder position works about twice as hard as an encoder position, but sound and pictures have
    their nets to pay for too (`READING`). A class has no previous outputs, so the body reads the
    inputs in their place.

    Args:
      problem: says what its targets are.
      positions: body positions of the inputs.
      length: length of the targets.
    """
    halves = READING[problem.inputs.kind]
    if problem.targets.kind == "categorical":
        return -(-positions * max(2, halves) // 2)
    read = -(-positions * halves // 2)
    return tf.maximum(length, read) if tf.is_tensor(length) else np.maximum(length, read)


def fits(problem, hparams, positions, length):
    """Whether an example is within the limits of training; a picture, always of one size, has
    none."""
    short = length <= hparams.max_target_length
    return short & (positions <= hparams.max_input_length) if problem.inputs.masked else short


def boundaries(hparams, limit: int) -> np.ndarray:
    """Largest cost in each bucket: 4, then `bucket_growth` times more and at least 1, up to
    `limit`."""
    edges = [FIRST_BOUNDARY]
    while edges[-1] < limit:
        edges.append(max(edges[-1] + 1, int(edges[-1] * hparams.bucket_growth)))
    return np.array(edges, np.int64)


def batches(
    problem, split, hparams, *, training, seed=0, static_shapes=False, share=(0, 1)
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
    Returns:
      Data set of dicts: "inputs" (int32 [B, L], float32 [B, H, W, C] or float32 [B, L, ...]),
      "inputs_mask" (bool [B, L]; not for pictures), "targets" (int32 [B, T]) and "targets_mask"
      (bool [B, T]).
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
        buffer = min(SHUFFLED[problem.inputs.kind], SHUFFLED[problem.targets.kind])
        data = data.shuffle(buffer, seed=seed).repeat()

    threads = max(1, (os.cpu_count() or 1) - 1)
    each = references.are_in(data) and not training
    if each:  # the inputs, encoded once, with each of them
        data = data.map(
            lambda raw: raw | {"inputs": problem.encode_inputs(raw["inputs"])},
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
        example = {
            "inputs": inputs,
            "targets": targets,
            "targets_mask": tf.ones_like(targets, tf.bool),
        }
        if problem.inputs.masked:
            example["inputs_mask"] = tf.ones(tf.shape(inputs)[:1], tf.bool)
        positions = tf.cast(problem.inputs.positions(inputs), tf.int64)
        return example, positions, tf.size(targets, tf.int64)

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

    data = data.enumerate().map(encode, num_parallel_calls=threads)
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


def limit(problem, hparams) -> int:
    """The largest cost that an example of training can have."""
    positions = (
        hparams.max_input_length if problem.inputs.masked else problem.inputs.positions(None)
    )
    return int(cost(problem, positions, hparams.max_target_length))


def most_shapes(problem, hparams) -> int:
    """How many shapes the training batches of a problem can have with static shapes: two for each
    bucket."""
    edges = len(boundaries(hparams, limit(problem, hparams)))
    return 2 * edges if problem.inputs.masked and problem.targets.kind != "categorical" else edges


def _static_shapes(problem, spec, key, edges):
    """Shapes that depend on the bucket alone; dimensions that are known stay."""
    edge = tf.gather(edges, key // 2)
    is_class = problem.targets.kind == "categorical"
    positions = edge if is_class else edge * (1 + key % 2)
    lengths = {
        "inputs": positions * getattr(problem.inputs, "time_stride", 1),
        "targets": 1 if is_class else edge,
    }
    lengths |= {side + "_mask": length for side, length in lengths.items()}

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


@dataclasses.dataclass(frozen=True)
class BatchSummary:
    """What a training batch of a problem means; means are over the examples that were looked at and
    kept.

    Attributes:
      examples: in the training split.
      scanned: looked at for this summary.
      dropped: of those, too long for `max_input_length` or `max_target_length`.
      buckets: occupied buckets.
      batch_examples: fewest and most examples in a batch.
      positions: body positions of an input, mean.
      length: tokens of a target, mean.
      batch_tokens: target tokens in a batch, mean.
    """

    examples: int
    scanned: int
    dropped: int
    buckets: int
    batch_examples: tuple
    positions: float
    length: float
    batch_tokens: float


def describe(problem, hparams, scan: int = 4_000) -> BatchSummary:
    """Looks at (a random choice of) up to `scan` training examples: at a tenth of that where they
    are sound.

    Raises:
      UserError: if there is no training split, or every example that was looked at is too long.
    """
    problem = problem.configure(hparams)
    positions, lengths = measured(problem, scan // 10 if problem.inputs.kind == "audio" else scan)
    kept = np.broadcast_to(fits(problem, hparams, positions, lengths), positions.shape)
    if not kept.any():
        raise UserError(
            f"{problem.name}: each of {len(kept)} training examples is too long (inputs take "
            f"{positions.min()} positions or more, targets {lengths.min()} tokens or more). "
            f"Raise max_input_length={hparams.max_input_length} or "
            f"max_target_length={hparams.max_target_length}."
        )
    edges = boundaries(hparams, limit(problem, hparams))
    bucket = np.searchsorted(edges, cost(problem, positions[kept], lengths[kept]))
    sizes = np.maximum(1, hparams.batch_size // edges)[
        bucket
    ]  # [kept]: how many are in the batch of each
    return BatchSummary(
        examples=problem.splits()["train"],
        scanned=len(kept),
        dropped=int((~kept).sum()),
        buckets=len(np.unique(bucket)),
        batch_examples=(int(sizes.min()), int(sizes.max())),
        positions=float(positions[kept].mean()),
        length=float(lengths[kept].mean()),
        batch_tokens=float(lengths[kept].sum() / (1.0 / sizes).sum()),
    )


def measured(problem, scan):
    """Body positions and target lengths of up to `scan` training examples, drawn at random: int64
    [n] each. Reads only what counts."""
    fixed = {"inputs": not problem.inputs.masked, "targets": problem.targets.kind == "categorical"}
    sides = [side for side, constant in fixed.items() if not constant]
    if not sides:
        problem.examples("train")  # complains where there is none
        return np.array([problem.inputs.positions(None)]), np.array([1])

    def measure(raw):
        inputs = None if fixed["inputs"] else problem.encode_inputs(raw["inputs"])
        length = (
            1
            if fixed["targets"]
            else tf.size(problem.encode_targets(references.draw(raw["targets"], [0, 0])))
        )
        return problem.inputs.positions(inputs), length

    data = problem.examples("train", shuffle_seed=0, sides=sides).take(scan)
    found = np.array(
        list(data.map(measure, num_parallel_calls=2).batch(scan).as_numpy_iterator()), np.int64
    )
    return found[0, 0], found[0, 1]
