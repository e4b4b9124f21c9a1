"""Targets of which an example has several, each as good as another, such as the captions of a
picture."""

from typing import Any

import tensorflow as tf


def are_in(data: tf.data.Dataset) -> bool:
    """Whether the raw examples have several targets."""
    targets = data.element_spec["targets"]
    return targets.dtype == tf.string and targets.shape.rank == 1


def draw(targets: tf.Tensor, seed: Any) -> tf.Tensor:
    """One of several, drawn by `seed` (int32 [2]); what is but one, as it is."""
    if targets.dtype != tf.string or targets.shape.rank != 1:
        return targets
    return targets[tf.random.stateless_uniform([], seed, 0, tf.size(targets), tf.int32)]


def each(index: tf.Tensor, raw: dict[str, tf.Tensor]) -> tf.data.Dataset:
    """(index, example) for each of an example's targets."""
    return tf.data.Dataset.from_tensor_slices(raw["targets"]).map(
        lambda target: (index, raw | {"targets": target})
    )
