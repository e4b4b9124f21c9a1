"""Sound."""

import dataclasses
import io
import os
import struct
import wave
from typing import Any, ClassVar

import numpy as np

from t2t_mm import files, registry
from t2t_mm.errors import UserError
from t2t_mm.modalities.audio.reading import to_int16
from t2t_mm.modalities.base import LARGEST, Modality


@registry.register_modality
@dataclasses.dataclass(frozen=True)
class Audio(Modality):
    """Sound. Raw: int16 (or float in [-1, 1]) [samples]. Encoded as a "spectrogram": float32
    [frames, bins, 1], log-mel over 25 ms windows every 10 ms; as a "waveform": float32 [samples,
    1]. Both have mean 0 and variance 1 over the utterance.

    Attributes:
        sample_rate: samples per second, as in the data.
        form: "spectrogram" or "waveform".
        bins: mel bands of the spectrogram.
        time_stride: frames (or samples) that the net folds into one body position, a power of two.
        masked_share: share of the time, and of the bands, that training may hide; 0 hides nothing.
    """

    kind: ClassVar[str] = "audio"
    is_signal: ClassVar[bool] = True
    prompt: ClassVar[str] = "the path of a sound"
    medium: ClassVar[str] = "sound"
    reading_cost: ClassVar[int] = 2
    shuffle_buffer: ClassVar[int] = 2**9
    slow_to_encode: ClassVar[bool] = True
    stored: ClassVar[str] = "if"
    rank: ClassVar[int] = 1
    sample_rate: int = 16000
    form: str = "spectrogram"
    bins: int = 80
    time_stride: int = 8
    masked_share: float = dataclasses.field(default=0.0, compare=False)

    def __post_init__(self) -> None:
        if self.form not in ("spectrogram", "waveform"):
            raise UserError(f'Audio form is "spectrogram" or "waveform", not {self.form!r}.')
        if self.time_stride < 1 or self.time_stride & (self.time_stride - 1):
            raise UserError(f"Audio time_stride is a power of two, not {self.time_stride}.")

    def net_name(self) -> str:
        # every field that stands in equality stands in the name
        bins = f"_{self.bins}" if self.form == "spectrogram" else ""
        return f"audio_{self.form}{bins}_{self.sample_rate}hz_by{self.time_stride}"

    def net(self, hparams: Any) -> Any:
        from t2t_mm.modalities.audio.net import AudioNet

        return AudioNet(self, hparams)

    def configure(self, hparams: Any) -> "Audio":
        return dataclasses.replace(self, masked_share=hparams.spec_augment)

    def resolve(self, data_dir: str | os.PathLike, stored: Any = None) -> "Audio":
        rate = getattr(stored, "sample_rate", None)
        if rate and rate != self.sample_rate:
            raise UserError(
                f"The audio is declared with {self.sample_rate} samples per second, but the data "
                f"has {rate}. Declare Audio(sample_rate={rate})."
            )
        return self

    def encode(self, value: Any, training: bool = False, seed: Any = None) -> Any:
        from t2t_mm.modalities.audio import encoding

        return encoding.encode(value, self, training, seed)

    def positions(self, encoded: Any) -> Any:
        import tensorflow as tf

        return -(-tf.shape(encoded)[0] // self.time_stride)

    def padded_length(self, positions: Any) -> Any:
        return positions * self.time_stride

    def tfds_feature(self, values: Any) -> Any:
        import tensorflow_datasets as tfds

        return tfds.features.Audio(shape=(None,), dtype=np.int16, sample_rate=self.sample_rate)

    def store(self, value: Any, feature: Any) -> np.ndarray:
        """A recording (a path, bytes), samples, or {"array": samples, "sampling_rate": theirs} ->
        int16 [samples]."""
        from t2t_mm.modalities.audio import reading

        if isinstance(value, str | os.PathLike | bytes):
            return reading.read(value, self.sample_rate)
        if isinstance(value, dict):
            value = reading.resampled(value["array"], value["sampling_rate"], self.sample_rate)
        samples = np.asarray(value)
        if not samples.size:
            raise ValueError("no samples")
        if samples.ndim != 1 or samples.dtype.kind not in "if":
            raise ValueError(
                "samples of one channel are expected, numbers [length], not "
                f"{samples.dtype} {list(samples.shape)}"
            )
        if samples.dtype.kind == "f":
            reading.check_scale(samples)
            samples = to_int16(samples)
        if samples.min() < -(2**15) or samples.max() >= 2**15:
            raise ValueError("integer samples beyond 16 bits")
        return samples.astype(np.int16)

    def read(self, value: Any) -> np.ndarray:
        """A recording (a path, bytes, an open file) or samples -> int16 [samples]."""
        from t2t_mm.modalities.audio import encoding, reading

        if hasattr(value, "read"):
            value = files.within(value, LARGEST)
        if isinstance(value, str | os.PathLike | bytes):
            file = os.fspath(value) if isinstance(value, os.PathLike) else value
            # resampled as an exported model does
            return reading.read(file, self.sample_rate, resample=encoding.resampled)
        return self.store(value, None)

    def sent(self, value: np.ndarray) -> bytes:
        return self._wav(value.astype("<i2").tobytes())

    def _wav(self, samples: bytes) -> bytes:
        file = io.BytesIO()
        with wave.open(file, "wb") as sound:
            sound.setparams((1, 2, self.sample_rate, len(samples) // 2, "NONE", ""))
            sound.writeframes(samples)
        return file.getvalue()

    def read_in_graph(self, content: Any) -> Any:
        from t2t_mm.modalities.audio.wav import samples

        return samples(content, self.sample_rate)

    def sample(self) -> bytes:
        return self._wav(struct.pack("<h", 100) * (2 * self.sample_rate))

    def describe(self, value: Any) -> list[str]:
        return [f"{len(value) / self.sample_rate:.2f} s of sound"]

    def picture(self, encoded: np.ndarray) -> Any:
        from t2t_mm.modalities.audio.drawing import spectrogram

        return spectrogram(encoded)

    def sound(self, value: Any) -> bytes | None:
        return self.sent(self.store(value, None))

    def position_labels(self, encoded: Any, count: int | None = None) -> list[str]:
        hop = 0.01 if self.form == "spectrogram" else 1 / self.sample_rate
        count = count or int(self.positions(encoded))
        return [f"{i * self.time_stride * hop:.2f} s" for i in range(count)]
