"""Modality specs: what one side of a problem is made of.

A spec is a small frozen value. Two sides whose *resolved* specs are equal share one modality net:
that is how tasks of one domain come to share parameters. Fields that change the pixels or the file
but not the net stand outside equality (`compare=False`).
"""

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from t2t_mm.errors import UserError

VOCABULARIES = "vocabs"  # folder of them, in a data or output directory
VOCAB_SUFFIX = {"subword": ".model", "symbols": ".symbols"}


@dataclass(frozen=True)
class Feature:
    """One side of a problem: its modality, how raw values become tensors, and which net takes them.

    Class attributes: `kind`; `masked`, whether lengths differ so that batches carry a mask;
    `as_input` and `as_target`, whether the modality is read and written; `stored` and `rank`,
    NumPy's kinds of what is stored and the number of its axes.
    """

    kind: ClassVar[str] = ""
    stored: ClassVar[str] = ""
    rank: ClassVar[int] = 0
    masked: ClassVar[bool] = True
    as_input: ClassVar[bool] = True
    as_target: ClassVar[bool] = False

    def net_name(self) -> str:
        """Name of the modality net; equal resolved specs have equal names, and the other way
        round."""
        return self.kind

    def net(self, hparams):
        """A new Keras modality net for this spec."""
        raise NotImplementedError

    def resolve(self, data_dir, stored=None) -> "Feature":
        """The spec with sizes filled in from prepared data.

        Args:
          data_dir: where data and vocabularies are prepared.
          stored: the TFDS feature that this side is read from (it knows class names and sample
              rates).
        Raises:
          UserError: if what is needed was not prepared, or disagrees with the spec.
        """
        return self

    def reads(self, stored) -> bool:
        """Whether a TFDS feature holds raw values of this modality."""
        return np.dtype(stored.np_dtype).kind in self.stored and len(stored.shape) == self.rank

    def encode(self, value, training: bool = False, seed=None):
        """Raw value -> the tensor that the net takes; a TensorFlow graph function.

        `training` turns augmentation on, drawn statelessly from `seed` (int32 [2]; fresh when
        absent)."""
        raise NotImplementedError

    def positions(self, encoded):
        """Body positions that an encoded example takes: an int32 scalar, or an int where all take
        as many."""
        import tensorflow as tf

        return tf.shape(encoded)[0]

    def configure(self, hparams) -> "Feature":
        """The spec as `hparams` want it: the size of pictures, the masking of spectrograms.
        Idempotent."""
        return self


@dataclass(frozen=True)
class Language(Feature):
    """Text over a vocabulary. Raw: UTF-8 string scalar. Encoded: int32 [length], end of sequence
    last.

    Attributes:
      vocab: name of the vocabulary; problems that give the same name share it, and the net with it.
      size: pieces wanted; once resolved, the pieces there are. Of symbols there are as many as were
          seen.
      units: "subword" (sentencepiece over any text) or "symbols" (closed set, separated by spaces).
      path: the vocabulary's file, set by `resolve`.
    """

    kind: ClassVar[str] = "language"
    stored: ClassVar[str] = "OSU"
    as_target: ClassVar[bool] = True
    vocab: str = ""
    size: int = 8192
    units: str = "subword"
    path: str = field(default="", compare=False)

    def __post_init__(self):
        if not self.vocab:
            raise UserError(
                'Language needs the name of a vocabulary, as in Language(vocab="english_8k").'
            )
        if self.units not in VOCAB_SUFFIX:
            raise UserError(f'Language units are "subword" or "symbols", not {self.units!r}.')

    def net_name(self):
        return f"language_{self.vocab}"

    def net(self, hparams):
        from t2t_mm.modalities.language.net import LanguageNet

        return LanguageNet(self, hparams)

    def vocab_path(self, data_dir) -> Path:
        """Where this vocabulary stands, or will stand, under `data_dir`."""
        return Path(data_dir).expanduser() / VOCABULARIES / (self.vocab + VOCAB_SUFFIX[self.units])

    def vocabulary(self):
        """The loaded vocabulary (text.Vocabulary; loaded once a process) of a resolved spec."""
        from t2t_mm.modalities.language import vocabulary as text

        if not self.path:
            raise UserError(
                f"Vocabulary {self.vocab!r} is not resolved; problem.resolve does that."
            )
        return text.load(self.path)

    def resolve(self, data_dir, stored=None):
        path = self.vocab_path(data_dir)
        if not path.exists():
            raise UserError(
                f"There is no vocabulary {self.vocab!r} at {path}. Run with --generate_data, "
                f"which trains it on the text of the problems that name it."
            )
        found = dataclasses.replace(self, path=str(path))
        return dataclasses.replace(found, size=found.vocabulary().size)

    def encode(self, value, training=False, seed=None):
        import tensorflow as tf

        from t2t_mm.modalities.language import vocabulary as text

        ids = self.vocabulary().tokenize(value)  # [length]
        return tf.concat([tf.cast(ids, tf.int32), [text.EOS]], axis=0)

    def decode(self, ids) -> str:
        """Ids, up to the end of sequence, as text."""
        return self.vocabulary().decode_py(ids)


@dataclass(frozen=True)
class Image(Feature):
    """Pictures. Raw: encoded bytes (JPEG, PNG, GIF, BMP) or uint8 [h, w, c]. Encoded: float32
    [size, size, c] in [-1, 1], where c is `channels`.

    Attributes:
      channels: 1 (grey) or 3 (red, green, blue).
      size: pixels a side. Outside equality: one net reads pictures of any size.
      flip: whether a picture and its mirror image mean the same, so that training may flip it.
      fit: how a picture of another shape becomes square: "crop", a square is cut out of it, or
        "stretch", where what is at its edges matters.
      crop: share of the short side (stretched: of both) that a cut keeps; pictures that have `size`
        already are never cut.
    """

    kind: ClassVar[str] = "image"
    stored: ClassVar[str] = "uif"
    rank: ClassVar[int] = 3
    masked: ClassVar[bool] = False
    stride: ClassVar[int] = 16  # of the entry flow: four strides of 2 with padding "same"
    channels: int = 3
    size: int = field(default=299, compare=False)
    flip: bool = field(default=True, compare=False)
    fit: str = field(default="crop", compare=False)
    crop: float = field(default=7 / 8, compare=False)

    def __post_init__(self):
        if self.channels not in (1, 3):
            raise UserError(f"Image channels are 1 (grey) or 3 (colours), not {self.channels}.")
        if self.fit not in ("crop", "stretch"):
            raise UserError(f'Image fit is "crop" or "stretch", not {self.fit!r}.')

    def net_name(self):
        return "image" if self.channels == 3 else f"image_{self.channels}"

    def net(self, hparams):
        from t2t_mm.modalities.image.net import ImageNet

        return ImageNet(self, hparams)

    def encode(self, value, training=False, seed=None):
        from t2t_mm.modalities.image import encoding

        return encoding.encode(value, self, training, seed)

    def positions(self, encoded):
        return math.ceil(self.size / self.stride) ** 2

    def configure(self, hparams):
        return dataclasses.replace(self, size=hparams.image_size) if hparams.image_size else self


@dataclass(frozen=True)
class Categorical(Feature):
    """One class of a label space. Raw: int64 scalar. Encoded: int32 [1].

    Attributes:
      labels: name of the label space; problems that give the same name, and have its classes, share
          a net.
      num_classes: 0 = as many as the data has.
      names: class names in the order of the ids, set by `resolve` where the data has them.
    """

    kind: ClassVar[str] = "categorical"
    stored: ClassVar[str] = "iu"
    as_input: ClassVar[bool] = False
    as_target: ClassVar[bool] = True
    labels: str = ""
    num_classes: int = 0
    names: tuple = field(default=(), repr=False)

    def __post_init__(self):
        if not self.labels:
            raise UserError(
                'Categorical needs the name of a label space: Categorical(labels="flowers").'
            )

    def net_name(self):
        return f"categorical_{self.labels}"

    def net(self, hparams):
        from t2t_mm.modalities.categorical.net import CategoricalNet

        return CategoricalNet(self, hparams)

    def resolve(self, data_dir, stored=None):
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
                "Give "
                "every class a name, and prepare the data anew."
            )
        return dataclasses.replace(self, num_classes=found, names=tuple(names or self.names))

    def encode(self, value, training=False, seed=None):
        import tensorflow as tf

        return tf.reshape(tf.cast(value, tf.int32), [1])

    def decode(self, ids) -> str:
        """The class's name, or its number where it has none."""
        index = int(ids[0])
        return self.names[index] if index < len(self.names) else str(index)


@dataclass(frozen=True)
class Audio(Feature):
    """Sound. Raw: int16 (or float in [-1, 1]) [samples]. Encoded as a "spectrogram": float32
    [frames, bins, 1], log-mel over 25 ms windows every 10 ms; as a "waveform": float32 [samples,
    1]. Both have mean 0 and variance 1 over the utterance.

    Attributes:
      sample_rate: samples a second, as in the data.
      form: "spectrogram" or "waveform".
      bins: mel bands of the spectrogram.
      time_stride: frames (or samples) that the net folds into one body position, a power of two.
      masked_share: share of the time, and of the bands, that training may hide; 0 hides nothing.
    """

    kind: ClassVar[str] = "audio"
    stored: ClassVar[str] = "if"
    rank: ClassVar[int] = 1
    sample_rate: int = 16000
    form: str = "spectrogram"
    bins: int = 80
    time_stride: int = 8
    masked_share: float = field(default=0.0, compare=False)

    def __post_init__(self):
        if self.form not in ("spectrogram", "waveform"):
            raise UserError(f'Audio form is "spectrogram" or "waveform", not {self.form!r}.')
        if self.time_stride < 1 or self.time_stride & (self.time_stride - 1):
            raise UserError(f"Audio time_stride is a power of two, not {self.time_stride}.")

    def net_name(self):
        # every field that stands in equality stands in the name
        bins = f"_{self.bins}" if self.form == "spectrogram" else ""
        return f"audio_{self.form}{bins}_{self.sample_rate}hz_by{self.time_stride}"

    def configure(self, hparams):
        return dataclasses.replace(self, masked_share=hparams.spec_augment)

    def net(self, hparams):
        from t2t_mm.modalities.audio.net import AudioNet

        return AudioNet(self, hparams)

    def resolve(self, data_dir, stored=None):
        rate = getattr(stored, "sample_rate", None)
        if rate and rate != self.sample_rate:
            raise UserError(
                f"The audio is declared with {self.sample_rate} samples a second, but the data "
                f"has {rate}. Declare Audio(sample_rate={rate})."
            )
        return self

    def encode(self, value, training=False, seed=None):
        from t2t_mm.modalities.audio import encoding

        return encoding.encode(value, self, training, seed)

    def positions(self, encoded):
        import tensorflow as tf

        return -(-tf.shape(encoded)[0] // self.time_stride)
