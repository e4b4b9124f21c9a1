"""Real numbers of several channels over time."""

import dataclasses
import math
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.modalities import normalisation
from t2t_mm.modalities.base import Modality
from t2t_mm.modalities.recorded import fields_of
from t2t_mm.modalities.series import reading
from t2t_mm.modalities.series.moments import moments

MOST_CHANNELS = 2**16


@registry.register_modality
@dataclasses.dataclass(frozen=True)
class Series(Modality):
    """Real numbers of several channels over time: sensor data, features. Raw: float32 [length,
    channels]. Encoded: the same, each channel normalised.

        inputs = Series(channels=3, rate=50)  # values: [[0.1, -0.2, 9.8], ...], 50 rows a second

    The model reads each channel less its mean, divided by its standard deviation, both over all
    steps of the training data. Values are kept in 32 bits: where they are large and change little,
    as the time of day in seconds since 1970 does, subtract a constant first.

    Attributes:
        channels: numbers at each step.
        rate: steps per second.
        time_stride: steps that the net folds into one body position.
        quantity: what is measured, where several problems have as many channels at one rate: those
            that give the same name, and have its mean and deviation, share a net.
        mean, deviation: of each channel in the training data, set by `learn`.
    """

    kind: ClassVar[str] = "series"
    is_signal: ClassVar[bool] = True
    prompt: ClassVar[str] = "the path of a NumPy file (.npy), or rows of numbers as JSON"
    rank: ClassVar[int] = 2
    channels: int = 0
    rate: float = 0.0
    time_stride: int = 1
    quantity: str = ""
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", float(self.rate))  # 50 and 50.0 have one net
        if not 0 < self.channels <= MOST_CHANNELS:
            raise UserError(
                f"Series has 1 to {MOST_CHANNELS:,} channels, not channels={self.channels}: "
                "Series(channels=3, rate=50)."
            )
        if not 0 < self.rate < math.inf:
            raise UserError(
                f"Series needs its steps per second, a number above 0, not rate={self.rate}: "
                "Series(channels=3, rate=50)."
            )
        if self.time_stride < 1:
            raise UserError(f"Series time_stride is 1 or more steps, not {self.time_stride}.")

    def net_name(self) -> str:
        rate = str(self.rate).removesuffix(".0")
        name = f"series_{self.channels}_{rate}hz_by{self.time_stride}"
        return f"{name}_{self.quantity}" if self.quantity else name

    def net(self, hparams: Any) -> Any:
        from t2t_mm.modalities.series.net import SeriesNet

        return SeriesNet(self, hparams)

    def resolve(self, data_dir: str | os.PathLike, stored: Any = None) -> "Series":
        found = _channels_of(stored) or self.channels
        if found != self.channels:
            raise UserError(
                f"The series is declared with {self.channels} channels, but the data has {found}. "
                f"Declare Series(channels={found}, ...)."
            )
        return self

    def expected(self) -> "Series":
        return normalisation.expected(self, self.channels)

    def learn(self, values: Callable[[], Iterable[Any]]) -> "Series":
        found = moments(values(), self.channels)
        if found.not_finite:
            raise normalisation.not_finite(self._name, found.not_finite, found.examples)
        if not found.steps:
            return self
        return dataclasses.replace(
            self,
            mean=normalisation.rounded(found.mean),
            deviation=normalisation.rounded(found.deviation),
        )

    @property
    def _name(self):
        return self.quantity or self.net_name()

    # -- the pipeline

    def encode(self, value: Any, training: bool = False, seed: Any = None) -> Any:
        import tensorflow as tf

        if not self.mean:
            raise normalisation.not_learnt(self._name)
        # in float64: of a large mean and a small deviation float32 would lose digits
        value = tf.ensure_shape(tf.cast(value, tf.float64), [None, self.channels])
        return tf.cast((value - self.mean) / self.deviation, tf.float32)

    def positions(self, encoded: Any) -> Any:
        import tensorflow as tf

        return -(-tf.shape(encoded)[0] // self.time_stride)

    def padded_length(self, positions: Any) -> Any:
        return positions * self.time_stride

    # -- storage

    def tfds_feature(self, values: Callable[[], Iterable[Any]]) -> Any:
        import tensorflow_datasets as tfds

        shape = (None, self.channels)
        return tfds.features.Tensor(shape=shape, dtype=np.float32, encoding="bytes")

    def store(self, value: Any, feature: Any) -> np.ndarray:
        if isinstance(value, str | os.PathLike | bytes):
            return self.read(value)
        return reading.checked(value, self.channels)

    def reads(self, stored: Any) -> bool:
        has_rank = len(stored.shape) == 2 or (len(stored.shape) == 1 == self.channels)
        return np.dtype(stored.np_dtype).kind in self.stored and has_rank

    def from_stored(self, stored: Any) -> Callable[[Any], Any] | None:
        if len(stored.shape) == 2:
            return None
        return lambda value: value[:, None]  # [length] of one channel

    def file_of(self, value: Any) -> Path | None:
        return None if reading.is_json(value) else super().file_of(value)

    # -- inputs as a person gives them

    def read(self, value: Any) -> np.ndarray:
        """Rows of numbers: an array or nested lists [length, channels], of one channel also
        [length]; as JSON in a text that begins with "["; the path, content or open file of a NumPy
        file -> float32 [length, channels]."""
        return super().read(reading.parsed(value) if reading.is_json(value) else value)

    def read_in_graph(self, content: Any) -> Any:
        import tensorflow as tf

        return tf.ensure_shape(super().read_in_graph(content), [None, self.channels])

    def sample(self) -> bytes:
        return self.sent(np.zeros([16 * self.time_stride, self.channels], np.float32))

    # -- to look at

    def describe(self, value: Any) -> list[str]:
        steps, channels = np.shape(value)
        return [f"{steps / self.rate:g} s: {steps:,} steps of {channels} channels"]

    def picture(self, encoded: np.ndarray) -> Any:
        from t2t_mm.modalities.series.drawing import drawn

        return drawn(encoded)

    def position_labels(self, encoded: Any, count: int | None = None) -> list[str]:
        count = count or int(self.positions(encoded))
        return [f"{i * self.time_stride / self.rate:g} s" for i in range(count)]

    # -- records

    @classmethod
    def from_record(cls, values: dict[str, Any], folder: str | os.PathLike) -> "Series":
        spec = cls(**fields_of(cls, values))
        normalisation.check(spec._name, spec.channels, spec.mean, spec.deviation)
        return spec


def _channels_of(stored):
    """How many channels a TFDS feature has; None where it doesn't say."""
    shape = getattr(stored, "shape", ())
    return 1 if len(shape) == 1 else shape[1] if shape else None
