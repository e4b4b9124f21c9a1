"""One class of a label space."""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.modalities.base import NO_SCORE, Modality, fields_of

MOST_CLASSES = 2**22


@registry.register_modality
@dataclasses.dataclass(frozen=True)
class Categorical(Modality):
    """One class of a label space. Raw: int64 scalar. Encoded: int32 [1].

    Attributes:
        labels: name of the label space; problems that give the same name, and have its classes,
            share a net.
        num_classes: 0 = as many as the data has.
        names: class names in the order of the ids, set by `resolve` where the data has them.
    """

    kind: ClassVar[str] = "categorical"
    as_input: ClassVar[bool] = False
    as_target: ClassVar[bool] = True
    shuffle_buffer: ClassVar[int] = 2**13
    stored: ClassVar[str] = "iu"
    rank: ClassVar[int] = 0
    teacher_forced: ClassVar[tuple[str, ...]] = ("log_perplexity", "accuracy", "accuracy_top5")
    labels: str = ""
    num_classes: int = 0
    names: tuple = dataclasses.field(default=(), repr=False)

    def __post_init__(self) -> None:
        if not self.labels:
            raise UserError(
                'Categorical needs the name of a label space: Categorical(labels="flowers").'
            )

    def net_name(self) -> str:
        return f"categorical_{self.labels}"

    def net(self, hparams: Any) -> Any:
        from t2t_mm.modalities.categorical.net import CategoricalNet

        return CategoricalNet(self, hparams)

    def resolve(self, data_dir: str | os.PathLike, stored: Any = None) -> "Categorical":
        found = getattr(stored, "num_classes", None) or self.num_classes
        if not found:
            raise UserError(
                f"The number of classes of {self.labels!r} is neither in its data nor given: "
                f"write Categorical(labels={self.labels!r}, num_classes=...)."
            )
        if self.num_classes and self.num_classes != found:
            raise UserError(
                f"{self.labels!r} is declared with {self.num_classes} classes, but its data has "
                f"{found}. Declare num_classes=0 to take the number from the data."
            )
        names = getattr(stored, "names", None) or ()
        if names and len(names) != found:  # TFDS loses what is blank
            raise UserError(
                f"{self.labels!r} has {found} classes, but names for {len(names)}: one is blank. "
                "Give every class a name, and prepare the data again."
            )
        return dataclasses.replace(self, num_classes=found, names=tuple(names or self.names))

    def encode(self, value: Any, training: bool = False, seed: Any = None) -> Any:
        import tensorflow as tf

        return tf.reshape(tf.cast(value, tf.int32), [1])

    def tfds_feature(self, values: Callable[[], Iterable[Any]]) -> Any:
        import tensorflow_datasets as tfds

        if self.num_classes and isinstance(next(iter(values()), None), int | np.integer):
            return tfds.features.ClassLabel(num_classes=self.num_classes)
        found = set()
        for label in map(_as_text, values()):
            if not isinstance(label, str) and not _is_number(label):
                raise _no_classes([label])
            found.add(label)
            if len(found) > MOST_CLASSES or (_is_number(label) and label >= MOST_CLASSES):
                raise UserError(
                    f"there are more than {MOST_CLASSES:,} classes, which are the most: they are "
                    "to be numbered from 0. Is it another column?"
                )
        if all(isinstance(label, str) for label in found):
            wrong = [
                label for label in found if label != label.strip("\ufeff").strip() or not label
            ]
            if wrong := wrong + [label for label in found if "\n" in label]:
                raise UserError(
                    f"{ascii(wrong[0])[:80]} can't be the name of a class: no name is empty, holds "
                    "a line break, or begins or ends with a space or a byte order mark (a file "
                    "that begins with one is opened with encoding='utf-8-sig')."
                )
            return tfds.features.ClassLabel(names=sorted(found))
        if all(_is_number(label) and label >= 0 for label in found):
            return tfds.features.ClassLabel(num_classes=int(max(found)) + 1)
        raise _no_classes(found)

    def file_of(self, value: Any) -> None:
        return None  # a name is none

    def store(self, value: Any, feature: Any) -> int:
        value = _as_text(value)
        try:
            is_label = isinstance(value, str) or _is_number(value)
            number = feature.encode_example(value) if is_label else -1
        except (KeyError, ValueError):  # no class is called so
            number = -1
        if not 0 <= number < feature.num_classes:
            expected = f"the numbers (int) from 0 to {feature.num_classes - 1}, or names of classes"
            raise ValueError(f"class {repr(value)[:80]}, where expected are {expected}")
        return number

    def from_stored(self, stored: Any) -> Callable[[Any], Any] | None:
        """Numbers of classes as the data set has them -> as this spec has them, by name: data of
        some classes alone, such as a test folder, numbers them otherwise."""
        there = list(getattr(stored, "names", None) or ())
        if not self.names or not there or there == list(self.names):
            return None
        if unknown := [name for name in there if name not in self.names]:
            raise UserError(
                f"The data has classes that {self.labels!r} lacks: "
                f"{', '.join(map(ascii, unknown[:5]))}. It has {', '.join(self.names[:10])}"
                f"{', ...' if len(self.names) > 10 else ''}. Rename them, or leave them out."
            )
        import tensorflow as tf

        places = [self.names.index(name) for name in there]
        return lambda value: tf.gather(tf.constant(places, tf.int64), value)

    def decode(self, ids: Any) -> str:
        """The class's name, or its number where it has none."""
        index = int(ids[0])
        return self.names[index] if index < len(self.names) else str(index)

    def given(self, value: Any) -> list[int]:
        """The number of a class that is given by its name, or by its number."""
        names = self.class_names()
        if _is_number(value) and 0 <= value < len(names):
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

    def class_names(self) -> list[str]:
        """Names of all classes, or their numbers."""
        return list(self.names or map(str, range(self.num_classes)))

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
            return {"error": "it can't be read"}
        return self._ranked(found["probabilities"], top)

    def describe(self, value: Any) -> list[str]:
        return [f"{self.decode([value])} (class {int(value)})"]

    def means_the_same(self, values: dict[str, Any]) -> bool:
        return list(values.get("names") or self.names) == list(self.names)

    @classmethod
    def from_record(cls, values: dict[str, Any], folder: str | os.PathLike) -> "Categorical":
        spec = cls(**fields_of(cls, values))
        if not 0 < spec.num_classes < MOST_CLASSES:
            raise UserError(f"{spec.num_classes} classes, where 1 to {MOST_CLASSES:,} can be")
        if spec.names and len(spec.names) != spec.num_classes:
            raise UserError(f"{len(spec.names)} names for {spec.num_classes} classes")
        return spec

    def described(self) -> dict[str, Any]:
        return super().described() | {"names": self.class_names()}

    @classmethod
    def from_description(cls, values: dict[str, Any]) -> "Categorical":
        names = fields_of(cls, values).get("names") or ()
        if not names:
            raise UserError("its classes have no names")
        return cls(labels=values.get("labels") or "exported", num_classes=len(names), names=names)


def _as_text(label: Any) -> Any:
    """A name that TensorFlow gives, in bytes, as text; others as they are."""
    with contextlib.suppress(UnicodeDecodeError):
        return label.decode("utf-8") if isinstance(label, bytes) else label
    return label


def _is_number(label: Any) -> bool:
    return isinstance(label, int | np.integer) and not isinstance(label, bool)


def _no_classes(labels: Iterable[Any]) -> UserError:
    shown = ", ".join(repr(label)[:80] for label in list(labels)[:5])
    return UserError(
        "the classes must be all names or all numbers from 0 up (str or int, one for an example), "
        f"not {shown}."
    )
