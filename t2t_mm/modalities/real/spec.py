"""One or several real numbers."""

import dataclasses
import math
import os
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.modalities import normalisation
from t2t_mm.modalities.base import Modality
from t2t_mm.modalities.real import text
from t2t_mm.modalities.recorded import fields_of

OBJECTIVES = ("l2", "l1", "gaussian")
MOST_VALUES = 2**16


@registry.register_modality
@dataclasses.dataclass(frozen=True)
class Real(Modality):
    """One or several real numbers. Raw: float64 [size]. Encoded: float32 [1, size], normalised.

        targets = Real(quantity="position", size=2)  # values: [0.25, 0.75], ...

    The model learns each value less its mean, divided by its standard deviation, both of the
    training data; answers are in the units of the data.

    Attributes:
        quantity: what is measured; problems that give the same name, and have its mean and
            deviation, share a net.
        size: how many values a target has.
        objective: "l2" (squared error), "l1" (absolute error, for data with outliers) or "gaussian"
            (likelihood: the model also says how sure it is of each value).
        mean, deviation: of each value in the training data, set by `learn`.
    """

    kind: ClassVar[str] = "real"
    as_input: ClassVar[bool] = False
    as_target: ClassVar[bool] = True
    shuffle_buffer: ClassVar[int] = 2**13
    teacher_forced: ClassVar[tuple[str, ...]] = ("rmse", "mae", "pearson")
    decoded: ClassVar[tuple[str, ...]] = ("rmse", "mae", "pearson", "spearman")
    quantity: str = ""
    size: int = 1
    objective: str = "l2"
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.quantity:
            raise UserError('Real needs the name of a quantity: Real(quantity="age").')
        if not 0 < self.size <= MOST_VALUES:
            raise UserError(f"Real has 1 to {MOST_VALUES:,} values, not size={self.size}.")
        if self.objective not in OBJECTIVES:
            raise UserError(
                f"The objective of Real is {', '.join(OBJECTIVES)}, not {self.objective!r}."
            )

    @property
    def has_spread(self) -> bool:
        """Whether the width of what is predicted is predicted too."""
        return self.objective == "gaussian"

    @property
    def numbers(self) -> int:
        """How many numbers the net predicts a target by."""
        return self.size * (2 if self.has_spread else 1)

    def net_name(self) -> str:
        return f"real_{self.quantity}"

    def net(self, hparams: Any) -> Any:
        from t2t_mm.modalities.real.net import RealNet

        return RealNet(self, hparams)

    def resolve(self, data_dir: str | os.PathLike, stored: Any = None) -> "Real":
        shape = getattr(stored, "shape", (self.size,))
        if math.prod(size or 0 for size in shape) != self.size:
            raise UserError(
                f"{self.quantity!r} is declared with size={self.size}, but its data has values of "
                f"shape {list(shape)}: make them equal."
            )
        return self

    def expected(self) -> "Real":
        return normalisation.expected(self, self.size)

    def learn(self, values: Callable[[], Iterable[Any]]) -> "Real":
        found = np.array([np.reshape(value, [self.size]) for value in values()], np.float64)
        if not len(found):
            return self
        if not np.isfinite(found).all():
            count = int((~np.isfinite(found)).any(axis=1).sum())
            raise normalisation.not_finite(self.quantity, count, len(found))
        deviation = found.std(axis=0)
        deviation[deviation == 0] = 1.0  # a value that never changes
        return dataclasses.replace(
            self,
            mean=normalisation.rounded(found.mean(axis=0)),
            deviation=normalisation.rounded(deviation),
        )

    def encode(self, value: Any, training: bool = False, seed: Any = None) -> Any:
        import tensorflow as tf

        if not self.mean:
            raise normalisation.not_learnt(self.quantity)
        # in float64: a time in seconds since 1970 has more digits than float32
        value = tf.reshape(tf.cast(value, tf.float64), [1, self.size])
        return tf.cast((value - self.mean) / self.deviation, tf.float32)

    def tfds_feature(self, values: Callable[[], Iterable[Any]]) -> Any:
        import tensorflow_datasets as tfds

        # bytes: TFDS stores other floats in 32 bits
        return tfds.features.Tensor(shape=(self.size,), dtype=np.float64, encoding="bytes")

    def store(self, value: Any, feature: Any) -> np.ndarray:
        if isinstance(value, str | bytes):  # of a table
            value = [float(each) for each in value.split()]
        found = np.asarray(value)
        if found.dtype.kind not in "fiu" or found.size != self.size or found.ndim > 1:
            wanted = "a number" if self.size == 1 else f"{self.size} numbers"
            raise ValueError(f"{repr(value)[:80]}, where expected: {wanted}")
        if not np.isfinite(found).all():
            raise ValueError(f"{repr(value)[:80]} is not finite")
        return found.astype(np.float64).reshape([self.size])

    def file_of(self, value: Any) -> None:
        return None  # numbers as text are none

    def reads(self, stored: Any) -> bool:
        return np.dtype(stored.np_dtype).kind in self.stored and len(stored.shape) <= 1

    def loss(self, logits: Any, targets: Any, mask: Any, smoothing: float = 0.0) -> tuple:
        import tensorflow as tf

        from t2t_mm.modalities import masked
        from t2t_mm.modalities.real.objectives import OBJECTIVES

        losses = OBJECTIVES[self.objective](tf.cast(logits, tf.float32), targets)
        mean, examples = masked.mean(losses, mask)
        return mean, tf.stop_gradient(mean), examples

    def measured(self, logits: Any, targets: Any) -> tuple[Any, Any]:
        import tensorflow as tf

        return self._in_units(logits[..., : self.size]), self._in_units(
            tf.cast(targets, tf.float64)
        )

    def _in_units(self, values: Any) -> Any:
        """In graph: normalised values [..., size] in the units of the data, float64."""
        import tensorflow as tf

        return tf.cast(values, tf.float64) * self.deviation + self.mean

    def decode(self, ids: Any) -> str:
        """An encoded target in the units of the data."""
        return self._written(np.ravel(ids).astype(np.float64) * self.deviation + self.mean)

    def texts(self, value: Any) -> list[str]:
        return [self._written(np.ravel(value))]

    def _written(self, values: Iterable[float]) -> str:
        return text.written(values, self.deviation or [1.0] * self.size)

    def answers(self, logits: Any, top: int) -> list[dict]:
        found = {name: value.numpy() for name, value in self._predicted(logits).items()}
        rows = len(next(iter(found.values())))
        return [
            self._answer({name: value[row] for name, value in found.items()}) for row in range(rows)
        ]

    def _predicted(self, logits: Any) -> dict[str, Any]:
        """In graph: {"values": float64 [rows, size], and "deviations" where they are predicted}."""
        import tensorflow as tf

        values = {"values": self._in_units(logits[:, : self.size])}
        if not self.has_spread:
            return values
        from t2t_mm.modalities.real.objectives import LARGEST_LOG, LEAST_LOG

        log_variance = tf.clip_by_value(logits[:, self.size :], LEAST_LOG, LARGEST_LOG)
        spread = tf.cast(tf.exp(0.5 * log_variance), tf.float64) * self.deviation
        return values | {"deviations": spread}

    def answers_in_graph(self, logits: Any, is_good: Any) -> dict[str, Any]:
        import tensorflow as tf

        answered = is_good & tf.reduce_all(tf.math.is_finite(logits), axis=-1)
        return {
            name: tf.where(answered[:, None], value, tf.zeros([], value.dtype))
            for name, value in self._predicted(logits).items()
        } | {"answered": answered}

    def answer_from(self, found: dict[str, Any], top: int) -> dict:
        if not found["answered"]:
            return self.no_answer()
        return self._answer({name: value for name, value in found.items() if name != "answered"})

    def _answer(self, found: dict[str, np.ndarray]) -> dict:
        numbers = {name: [float(each) for each in value] for name, value in found.items()}
        return {"outputs": self._written(numbers["values"]), **numbers}

    def as_line(self, answer: dict, best: int = 1) -> str:
        spread = [self._written(answer["deviations"])] if "deviations" in answer else []
        return "\t".join([answer["outputs"], *spread])

    def describe(self, value: Any) -> list[str]:
        return [f"{self.texts(value)[0]} ({self.quantity})"]

    @classmethod
    def from_record(cls, values: dict[str, Any], folder: str | os.PathLike) -> "Real":
        spec = cls(**fields_of(cls, values))
        normalisation.check(spec.quantity, spec.size, spec.mean, spec.deviation)
        return spec
