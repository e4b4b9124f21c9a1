"""A set of classes of a label space."""

import dataclasses
import itertools
import math
import os
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.modalities.label_space import LabelSpace
from t2t_mm.modalities.multi_label import text

THRESHOLD = 0.5  # a label of this probability or more is in the answer
LARGEST_WEIGHT = 100.0  # a label that is rarer than one in a hundred weighs no more


@registry.register_modality
@dataclasses.dataclass(frozen=True)
class MultiLabel(LabelSpace):
    """A set of classes, none of which rules out another. Raw: int64 [any number]. Encoded:
    float32 [1, classes], 1 where present.

        targets = MultiLabel(labels="topics")  # values: ["sport", "france"], [], ...

    An answer holds the labels whose probability is 0.5 or more.

    Attributes:
        labels: name of the label space; problems that give the same name, and have its classes,
            share a net.
        num_classes: 0 = as many as the data has.
        names: class names in the order of the ids, set by `resolve` where the data has them.
        balanced: whether a label that is present weighs as much as all that are absent: rare labels
            are found more often then, but probabilities are too high.
        weights: how much each label counts where it is present; () for 1 each. With `balanced`,
            absent over present examples of the training data, at most 100.
    """

    kind: ClassVar[str] = "multi_label"
    teacher_forced: ClassVar[tuple[str, ...]] = ("log_loss", "micro_f1", "macro_f1")
    decoded: ClassVar[tuple[str, ...]] = ("micro_f1", "macro_f1", "mean_average_precision")
    balanced: bool = False
    weights: tuple[float, ...] = ()

    def net(self, hparams: Any) -> Any:
        from t2t_mm.modalities.multi_label.net import MultiLabelNet

        return MultiLabelNet(self, hparams)

    def resolve(self, data_dir: str | os.PathLike, stored: Any = None) -> "MultiLabel":
        found = super().resolve(data_dir, stored)
        for name in found.names:
            _check_text(name)
        found._check_weights()
        return found

    def learn(self, values: Callable[[], Iterable[Any]]) -> "MultiLabel":
        if not self.balanced:
            return self
        examples, present = 0, np.zeros(self.num_classes)
        for value in values():
            examples += 1
            present[np.unique(value)] += 1
        # as if each had been there once: a label that training never shows has a weight, too
        weights = np.minimum((examples - present) / np.maximum(present, 1), LARGEST_WEIGHT)
        weights = np.where(weights > 0, weights, 1 / max(examples, 1))  # one that is always there
        return dataclasses.replace(self, weights=tuple(float(f"{each:.6g}") for each in weights))

    def encode(self, value: Any, training: bool = False, seed: Any = None) -> Any:
        import tensorflow as tf

        ids = tf.reshape(value, [-1])
        present = tf.reduce_any(tf.one_hot(ids, self.num_classes, True, False, dtype=tf.bool), 0)
        return tf.cast(present, tf.float32)[None]

    def check_name(self, name: str) -> None:
        super().check_name(name)
        _check_text(name)

    def tfds_feature(self, values: Callable[[], Iterable[Any]]) -> Any:
        import tensorflow_datasets as tfds

        found = lambda: itertools.chain.from_iterable(map(_several, values()))  # noqa: E731
        if next(iter(found()), None) is None and next(iter(values()), None) is not None:
            raise UserError("no example has a label: all sets are empty. Is it another column?")
        return tfds.features.Sequence(self.class_label(found))

    def store(self, value: Any, feature: Any) -> list[int]:
        return sorted({self.number_of(label, feature.feature) for label in _several(value)})

    def loss(self, logits: Any, targets: Any, mask: Any, smoothing: float = 0.0) -> tuple:
        from t2t_mm.modalities.multi_label.loss import sigmoid_cross_entropy

        return sigmoid_cross_entropy(logits, targets, mask, self.weights, smoothing)

    def decode(self, ids: Any) -> str:
        """The labels of an encoded set, in the order of the classes."""
        return text.joined(map(self.name_of, np.flatnonzero(ids)))

    def texts(self, value: Any) -> list[str]:
        return [text.joined(map(self.name_of, np.unique(value).astype(int)))]

    def answers(self, logits: Any, top: int) -> list[dict]:
        import tensorflow as tf

        return [self._answer(row) for row in tf.sigmoid(logits).numpy()]

    def _answer(self, probabilities: np.ndarray) -> dict:
        labels = [self.name_of(index) for index in np.flatnonzero(probabilities >= THRESHOLD)]
        ranked = np.argsort(-probabilities, kind="stable")
        return {
            "outputs": text.joined(labels),
            "labels": labels,
            "probabilities": {self.name_of(index): float(probabilities[index]) for index in ranked},
        }

    def answers_in_graph(self, logits: Any, is_good: Any) -> dict[str, Any]:
        import tensorflow as tf

        answered = is_good & tf.reduce_all(tf.math.is_finite(logits), axis=-1)
        probabilities = tf.where(answered[:, None], tf.sigmoid(logits), 0.0)  # [rows, classes]
        names = tf.broadcast_to(tf.constant(self.class_names()), tf.shape(probabilities))
        there = tf.ragged.boolean_mask(names, probabilities >= THRESHOLD)
        return {
            "labels": tf.strings.reduce_join(there, axis=-1, separator=text.SEPARATOR),
            "probabilities": probabilities,
            "answered": answered,
        }

    def answer_from(self, found: dict[str, Any], top: int) -> dict:
        return self._answer(found["probabilities"]) if found["answered"] else self.no_answer()

    def as_line(self, answer: dict, best: int = 1) -> str:
        return text.line(answer["labels"], answer["probabilities"])

    def scored(self, line: str) -> str:
        return line  # the probabilities, too

    def describe(self, value: Any) -> list[str]:
        count = np.unique(value).size
        return [f"{self.texts(value)[0] or 'none'} ({count} label{'s' * (count != 1)})"]

    @classmethod
    def from_record(cls, values: dict[str, Any], folder: str | os.PathLike) -> "MultiLabel":
        spec = super().from_record(values, folder)
        spec._check_weights()
        return spec

    def _check_weights(self) -> None:
        are_good = all(0 < weight < math.inf for weight in self.weights)
        if self.weights and not (are_good and len(self.weights) == self.num_classes):
            raise UserError(
                f"{self.labels!r} has {self.num_classes} classes, but its weights are "
                f"{str(self.weights)[:80]}: one above 0 is needed for each class, or none at all."
            )


def _several(value: Any) -> Any:
    """The labels of a raw value, of a text those that it joins; ValueError if it has none."""
    if isinstance(value, bytes):
        value = value.decode("utf-8")
    if isinstance(value, str):  # of a table
        return sorted(text.labels_in(value))
    if not isinstance(value, list | tuple | set | frozenset | np.ndarray):
        raise ValueError(
            f"{repr(value)[:80]}, where a list of labels is expected, as in ['red', 'ring']"
        )
    return value.ravel() if isinstance(value, np.ndarray) else value


def _check_text(name: str) -> None:
    if text.SEPARATOR.strip() in name or "\t" in name:
        raise UserError(
            f"{name!a} can't be the name of one label of several: it holds a semicolon or a tab, "
            "which stand between labels where they are written. Rename it."
        )
