"""Pictures."""

import dataclasses
import math
from typing import Any, ClassVar

import numpy as np

from t2t_mm import files, registry
from t2t_mm.errors import UserError
from t2t_mm.modalities.base import LARGEST, Modality


@registry.register_modality
@dataclasses.dataclass(frozen=True)
class Image(Modality):
    """Pictures. Raw: encoded bytes (JPEG, PNG, GIF) or uint8 [h, w, c]. Encoded: float32
    [size, size, c] in [-1, 1], where c is `channels`.

    Attributes:
        channels: 1 (grey) or 3 (red, green, blue).
        size: pixels a side. Outside equality: one net reads pictures of any size.
        flip: whether a picture and its mirror image mean the same, so that training may flip it.
        fit: how a picture of another shape becomes square: "crop", a square is cut out of it, or
            "stretch", where what is at its edges matters.
        crop: share of the short side (stretched: of both) that a cut keeps; pictures that have
            `size` already are never cut.
    """

    kind: ClassVar[str] = "image"
    masked: ClassVar[bool] = False
    prompt: ClassVar[str] = "the path of a picture"
    medium: ClassVar[str] = "picture"
    reading_cost: ClassVar[int] = 4
    skips_decoding: ClassVar[bool] = True
    stored: ClassVar[str] = "uif"
    rank: ClassVar[int] = 3
    stride: ClassVar[int] = 16  # of the entry flow: four strides of 2 with padding "same"
    channels: int = 3
    size: int = dataclasses.field(default=299, compare=False)
    flip: bool = dataclasses.field(default=True, compare=False)
    fit: str = dataclasses.field(default="crop", compare=False)
    crop: float = dataclasses.field(default=7 / 8, compare=False)

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise UserError(f"Image channels are 1 (grey) or 3 (colours), not {self.channels}.")
        if self.fit not in ("crop", "stretch"):
            raise UserError(f'Image fit is "crop" or "stretch", not {self.fit!r}.')

    def net_name(self) -> str:
        return "image" if self.channels == 3 else f"image_{self.channels}"

    def net(self, hparams: Any) -> Any:
        from t2t_mm.modalities.image.net import ImageNet

        return ImageNet(self, hparams)

    def configure(self, hparams: Any) -> "Image":
        size = min(self.size, hparams.image_size or self.size)
        return dataclasses.replace(self, size=size)

    def encode(self, value: Any, training: bool = False, seed: Any = None) -> Any:
        from t2t_mm.modalities.image import encoding

        return encoding.encode(value, self, training, seed)

    def positions(self, encoded: Any) -> int:
        return math.ceil(self.size / self.stride) ** 2

    def tfds_feature(self, values: Any) -> Any:
        import tensorflow_datasets as tfds

        return tfds.features.Image(shape=(None, None, self.channels), encoding_format="png")

    def store(self, value: Any, feature: Any) -> Any:
        value = self.read(value)
        # TFDS encodes an array by itself, if it has the declared channels
        is_as_declared = isinstance(value, bytes) or value.shape[-1] == self.channels
        return value if is_as_declared else self.sent(value)

    def read(self, value: Any) -> Any:
        """An encoded picture (bytes, a path, an open file), a PIL image, or pixels -> bytes that
        `encode` reads, or uint8 [height, width, channels or 3]."""
        from t2t_mm.modalities.image import formats, reading

        if (path := self.file_of(value)) is not None:
            value = files.content(path, LARGEST)
        elif hasattr(value, "read"):
            value = files.within(value, LARGEST)
        if isinstance(value, bytes):
            return reading.decodable(value)
        if hasattr(value, "convert"):
            return reading.pixels(value)
        pixels = np.asarray(value)
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        if pixels.ndim != 3 or pixels.shape[-1] != self.channels or pixels.dtype != np.uint8:
            wanted = f"uint8 pixels [height, width, {self.channels}]"
            raise ValueError(f"{wanted} are expected, not {pixels.dtype} {list(pixels.shape)}")
        formats.check_size(pixels.shape[1], pixels.shape[0])
        return pixels

    def sent(self, value: Any) -> bytes:
        import tensorflow as tf

        return value if isinstance(value, bytes) else tf.io.encode_png(value).numpy()

    def read_in_graph(self, content: Any) -> Any:
        import tensorflow as tf

        from t2t_mm.modalities.image.decoding import decode

        # Decoded to its end: of a truncated JPEG, a part may be intact. Without the assertion, the
        # decoding is pruned from the graph.
        with tf.control_dependencies([tf.debugging.assert_positive(tf.size(decode(content)))]):
            return tf.identity(content)

    def sample(self) -> bytes:
        size = self.size or 64
        return self.sent(np.zeros([size, size, self.channels], np.uint8))

    def describe(self, value: Any) -> list[str]:
        from t2t_mm.modalities.image.drawing import in_words

        return [in_words(value)]

    def picture(self, encoded: np.ndarray) -> Any:
        from t2t_mm.modalities.image.drawing import as_seen

        return as_seen(encoded)

    def position_labels(self, encoded: Any, count: int | None = None) -> list[str]:
        rows, columns = (math.ceil(size / self.stride) for size in encoded.shape[:2])
        return [f"{row + 1},{column + 1}" for row in range(rows) for column in range(columns)]
