"""A named space of classes: what targets of one class and of several have in common."""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from t2t_mm.errors import UserError
from t2t_mm.modalities.base import Modality
from t2t_mm.modalities.recorded import fields_of

MOST_CLASSES = 2**22
EXPECTED = 1000  # classes in a plan, where neither the class nor the data says how many


@dataclasses.dataclass(frozen=True)
class LabelSpace(Modality):
    """A target made of classes of a label space.

    Attributes:
        labels: name of the label space; problems that give the same name, and have its classes,
            share a net.
        num_classes: 0 = as many as the data has.
        names: class names in the order of the ids, set by `resolve` where the data has them.
    """

    as_input: ClassVar[bool] = False
    as_target: ClassVar[bool] = True
    shuffle_buffer: ClassVar[int] = 2**13
    stored: ClassVar[str] = "iu"
    rank: ClassVar[int] = 0
    labels: str = ""
    num_classes: int = 0
    names: tuple = dataclasses.field(default=(), repr=False)

    def __post_init__(self) -> None:
        if not self.labels:
            kind = type(self).__name__
            raise UserError(f'{kind} needs the name of a label space: {kind}(labels="flowers").')

    def net_name(self) -> str:
        return f"{self.kind}_{self.labels}"

    def resolve(self, data_dir: str | os.PathLike, stored: Any = None) -> "LabelSpace":
        found = getattr(stored, "num_classes", None) or self.num_classes
        if not found:
            raise UserError(
                f"The number of classes of {self.labels!r} is neither in its data nor given: "
                f"write {type(self).__name__}(labels={self.labels!r}, num_classes=...)."
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

    def expected(self) -> "LabelSpace":
        return dataclasses.replace(self, num_classes=self.num_classes or EXPECTED)

    def class_label(self, found: Callable[[], Iterable[Any]]) -> Any:
        """The TFDS feature of one class.

        Args:
            found: gives all labels of the data, names or numbers, each time it is called.

        Raises:
            UserError: they can't be the classes of a label space.
        """
        import tensorflow_datasets as tfds

        first = next(iter(found()), None)
        if self.num_classes and isinstance(first, int | np.integer):
            return tfds.features.ClassLabel(num_classes=self.num_classes)
        labels = set()
        for label in map(_as_text, found()):
            if not isinstance(label, str) and not is_number(label):
                raise _no_classes([label])
            labels.add(label)
            if len(labels) > MOST_CLASSES or (is_number(label) and label >= MOST_CLASSES):
                raise UserError(
                    f"there are more than {MOST_CLASSES:,} classes, which are the most: they are "
                    "to be numbered from 0. Is it another column?"
                )
        if all(isinstance(label, str) for label in labels):
            for label in labels:
                self.check_name(label)
            return tfds.features.ClassLabel(names=sorted(labels))
        if all(is_number(label) and label >= 0 for label in labels):
            return tfds.features.ClassLabel(num_classes=int(max(labels)) + 1)
        raise _no_classes(labels)

    def file_of(self, value: Any) -> None:
        return None  # a name is none

    def check_name(self, name: str) -> None:
        """Raises a UserError if a class can't have that name."""
        if name != name.strip("\ufeff").strip() or not name or "\n" in name:
            raise UserError(
                f"{ascii(name)[:80]} can't be the name of a class: no name is empty, holds a line "
                "break, or begins or ends with a space or a byte order mark (a file that "
                "begins with one is opened with encoding='utf-8-sig')."
            )

    def number_of(self, label: Any, feature: Any) -> int:
        """The number of a class that a raw value names; ValueError if there is none.

        Args:
            label: a name or a number.
            feature: the TFDS feature of one class.
        """
        label = _as_text(label)
        try:
            is_label = isinstance(label, str) or is_number(label)
            number = feature.encode_example(label) if is_label else -1
        except (KeyError, ValueError):  # no class is called so
            number = -1
        if not 0 <= number < feature.num_classes:
            expected = f"the numbers (int) from 0 to {feature.num_classes - 1}, or names of classes"
            raise ValueError(f"class {repr(label)[:80]}, where expected are {expected}")
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

    def name_of(self, number: int) -> str:
        """A class's name, or its number where it has none."""
        return self.names[number] if number < len(self.names) else str(number)

    def class_names(self) -> list[str]:
        """Names of all classes, or their numbers."""
        return list(self.names or map(str, range(self.num_classes)))

    def means_the_same(self, values: dict[str, Any]) -> bool:
        return list(values.get("names") or self.names) == list(self.names)

    def row_names(self) -> dict[str, tuple[int, list[str]]]:
        names = self.class_names()
        return {"kernel": (1, names), "bias": (0, names)}  # of ExitFlow

    @classmethod
    def from_record(cls, values: dict[str, Any], folder: str | os.PathLike) -> "LabelSpace":
        spec = cls(**fields_of(cls, values))
        if not 0 < spec.num_classes < MOST_CLASSES:
            raise UserError(f"{spec.num_classes} classes, where 1 to {MOST_CLASSES:,} can be")
        if spec.names and len(spec.names) != spec.num_classes:
            raise UserError(f"{len(spec.names)} names for {spec.num_classes} classes")
        return spec

    def described(self) -> dict[str, Any]:
        return super().described() | {"names": self.class_names()}

    @classmethod
    def from_description(cls, values: dict[str, Any]) -> "LabelSpace":
        names = fields_of(cls, values).get("names") or ()
        if not names:
            raise UserError("its classes have no names")
        return cls(labels=values.get("labels") or "exported", num_classes=len(names), names=names)


def _as_text(label: Any) -> Any:
    """A name that TensorFlow gives, in bytes, as text; others as they are."""
    with contextlib.suppress(UnicodeDecodeError):
        return label.decode("utf-8") if isinstance(label, bytes) else label
    return label


def is_number(label: Any) -> bool:
    """Whether it is the number of a class: True and False are not."""
    return isinstance(label, int | np.integer) and not isinstance(label, bool)


def _no_classes(labels: Iterable[Any]) -> UserError:
    shown = ", ".join(repr(label)[:80] for label in list(labels)[:5])
    return UserError(
        "the classes must be all names or all numbers from 0 up (str or int, one for an example), "
        f"not {shown}."
    )
