"""Decoding of a problem's batches with a model.

search = Search(model, "wmt_ende", Beam(4, alpha=0.6))
decoded = search(batch)  # ids [batch, 4, length], best first
"""

from typing import Any

import tensorflow as tf

from t2t_mm.decoding.stepping import Decoded, Greedy
from t2t_mm.execution.compiled import open_spec

ROOM = 64  # room for positions comes in multiples of this many, so that buffers have few shapes
LONGEST = 512  # subwords of an output, unless its length is asked for


class Search:
    """Decodes a problem's batches with a model's cached steps, all shapes in one graph.

    Args:
        model: models.multimodel.MultiModel.
        problem: its name; its targets are a sequence.
        method: Greedy, Beam or Sampling.
        longest: most positions of an output; None: see `decode`.
    """

    def __init__(
        self, model: Any, problem: str, method: Any = None, longest: int | None = None
    ) -> None:
        self.model, self.problem, self.method, self.longest = (
            model,
            problem,
            method or Greedy(),
            longest,
        )
        self._graph = None

    def __call__(
        self, batch: dict[str, Any], limits: Any = None, seed: int = 0, index: Any = None
    ) -> Decoded:
        """Decodes a batch.

        Args:
            batch: `inputs`, and `inputs_mask` where there is one; `prefix`, int32 [batch, length],
                if outputs have to begin with something; what else it holds is not looked at.
            limits: int32 [batch], most output positions of each example; None: `longest`.
            seed, index: of sampling, see `decode`.

        Returns:
            Decoded.
        """
        batch = _read(batch)
        if limits is None:
            limits = tf.fill(tf.shape(next(iter(batch.values())))[:1], -1)
        if self._graph is None:
            self.built(batch)
        index = tf.range(tf.size(limits)) if index is None else tf.cast(index, tf.int32)
        return self._graph(batch, tf.cast(limits, tf.int32), tf.constant(seed, tf.int32), index)

    def built(self, batch: dict[str, Any]) -> "Search":
        """The same, with the graph for batches like this one made; else the first call makes it."""
        specs = {key: open_spec(value) for key, value in _read(batch).items()}
        numbers, number = tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)
        signature = [specs, numbers, number, numbers]
        graph = tf.function(self._decode, input_signature=signature, autograph=False)
        graph.get_concrete_function()
        self._graph = graph
        return self

    def _decode(self, batch, limits, seed, index):
        return decode(
            self.model, self.problem, batch, self.method, limits, self.longest, seed, index
        )


def _read(batch: dict[str, Any]) -> dict[str, Any]:
    """What decoding looks at, as tensors."""
    keys = (key for key in batch if key.startswith("inputs") or key == "prefix")
    return {key: tf.convert_to_tensor(batch[key]) for key in keys}


def decode(
    model: Any,
    problem: str,
    batch: dict[str, Any],
    method: Any,
    limits: Any = None,
    longest: int | None = None,
    seed: Any = 0,
    index: Any = None,
) -> Decoded:
    """Encodes a batch and decodes it: plain TensorFlow operations, to be traced by whoever exports
    it.

    Args:
        model, problem, batch, method: as for `Search`.
        limits: int32 [batch], most output positions of each example, at most `longest`; -1, or
            None for all: that.
        longest: most output positions, a prefix included; None: those of `usual_limits`, after the
            prefix.
        seed: of sampling, an int or int32 scalar.
        index: int32 [batch], a number for each example: what is drawn for one depends on `seed` and
            this alone, not on
            its neighbours. None: its row.

    Returns:
        Decoded.
    """
    memory = model.remember(batch, problem)
    positions = tf.reduce_sum(
        tf.cast(tf.reshape(memory["mask"], (tf.shape(memory["mask"])[0], -1)), tf.int32), axis=1
    )
    usual, most = usual_limits(model.problems[problem], positions)
    if longest is not None:
        usual, most = tf.fill(tf.shape(positions), longest), longest
    prefix = batch.get("prefix")
    if prefix is not None and longest is None:
        given = tf.math.count_nonzero(prefix, axis=1, dtype=tf.int32)
        usual, most = usual + given, most + given
    limits = usual if limits is None else tf.where(limits < 0, usual, limits)
    limits = tf.clip_by_value(limits, 1, most)
    room = (tf.reduce_max(limits) + ROOM - 1) // ROOM * ROOM
    state = model.start(memory, method.hypotheses, room)

    def step(ids, time, state):
        return model.step(ids, time, memory, state, problem, method.hypotheses)

    index = tf.range(tf.size(limits)) if index is None else index
    seeds = tf.stack([tf.fill(tf.shape(index), seed), index], axis=1)
    return method(step, model.reorder, state, limits, seeds, prefix)


def usual_limits(problem: Any, positions: Any) -> tuple:
    """How long outputs may be where nothing else is asked for: twice as long as the inputs, and 50
    subwords, but at most 512, where one subword may take several positions
    (`Modality.positions_per_subword`).

    Args:
        problem: says what its sides are.
        positions: int32 [batch], of the inputs in the body.

    Returns:
        (limits, most): output positions, int32 [batch] and int.
    """
    read = problem.inputs.positions_per_subword()
    written = problem.targets.positions_per_subword()
    most = written * LONGEST
    return tf.minimum(2 * written * positions // read + 50 * written, most), most
