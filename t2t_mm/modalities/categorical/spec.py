"""One class of a label space."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.modalities import lines
from t2t_mm.modalities.base import NO_SCORE
from t2t_mm.modalities.label_space import LabelSpace, is_number


@registry.register_modality
@dataclasses.dataclass(frozen=True)
class Categorical(LabelSpace):
    """One class of a label space. Raw: int64 scalar. Encoded: int32 [1].

    Attributes:
        labels: name of the label space; problems that give the same name, and have its classes,
            share a net.
        num_classes: 0 = as many as the data has.
        names: class names in the order of the ids, set by `resolve` where the data has them.
    """

    kind: ClassVar[str] = "categorical"
    has_log_prob: ClassVar[bool] = True
    teacher_forced: ClassVar[tuple[str, ...]] = ("log_perplexity", "accuracy", "accuracy_top5")
    decoded: ClassVar[tuple[str, ...]] = ("accuracy",)

    def net(self, hparams: Any) -> Any:
        from t2t_mm.modalities.categorical.net import CategoricalNet

        return CategoricalNet(self, hparams)

    def encode(self, value: Any, training: bool = False, seed: Any = None) -> Any:
        import tensorflow as tf

        return tf.reshape(tf.cast(value, tf.int32), [1])

    def tfds_feature(self, values: Callable[[], Iterable[Any]]) -> Any:
        return self.class_label(values)

    def store(self, value: Any, feature: Any) -> int:
        return self.number_of(value, feature)

    def decode(self, ids: Any) -> str:
        """The class's name, or its number where it has none."""
        return self.name_of(int(ids[0]))

    def given(self, value: Any) -> list[int]:
        """The number of a class that is given by its name, or by its number."""
        names = self.class_names()
        if is_number(value) and 0 <= value < len(names):
            return [int(value)]
        if value in names:
            return [names.index(value)]
        shown = f"{', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"
        raise UserError(f"class {repr(value)[:80]}, where {self.labels!r} has {shown}")

    def given_in_graph(self, texts: Any) -> Any:
        import tensorflow as tf

        is_name = texts[:, None] == tf.constant(self.class_names())  # [n, classes]
        known = tf.reduce_any(is_name, axis=1)
        ids = tf.argmax(tf.cast(is_name, tf.int32), axis=1, output_type=tf.int32)
        return tf.RaggedTensor.from_row_lengths(ids[known], tf.cast(known, tf.int64))

    def pieces(self) -> list[str]:
        return self.class_names()

    def texts(self, value: Any) -> list[str]:
        return [self.decode([value])]

    def answers(self, logits: Any, top: int) -> list[dict]:
        import tensorflow as tf

        return [self._ranked(row, top) for row in tf.nn.softmax(logits).numpy()]

    def _ranked(self, probabilities: np.ndarray, top: int) -> dict:
        best = np.argsort(-probabilities, kind="stable")[:top]
        ranked = [(self.decode([index]), float(probabilities[index])) for index in best]
        return {"label": ranked[0][0], "probability": ranked[0][1], "top": ranked}

    def answers_in_graph(self, logits: Any, is_good: Any) -> dict[str, Any]:
        import tensorflow as tf

        classes = tf.argmax(logits, axis=-1, output_type=tf.int32)
        scores = tf.reduce_max(tf.nn.log_softmax(logits), axis=-1)
        is_good &= tf.math.is_finite(scores)
        return {
            "classes": tf.where(is_good, classes, -1),
            "labels": tf.where(is_good, tf.gather(self.class_names(), classes), ""),
            "probabilities": tf.where(is_good[:, None], tf.nn.softmax(logits), 0.0),
            "scores": tf.where(is_good, scores, NO_SCORE),
        }

    def answer_from(self, found: dict[str, Any], top: int) -> dict:
        if found["classes"] < 0:
            return self.no_answer()
        return self._ranked(found["probabilities"], top)

    def as_line(self, answer: dict, best: int = 1) -> str:
        return lines.ranked(answer["top"][:best])

    def describe(self, value: Any) -> list[str]:
        return [f"{self.decode([value])} (class {int(value)})"]
