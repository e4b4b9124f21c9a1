"""No input, as of a language model."""

import dataclasses
from typing import Any, ClassVar

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.modalities.base import Modality


@registry.register_modality
@dataclasses.dataclass(frozen=True)
class Nothing(Modality):
    """No input: `inputs = None` of a problem. Raw: an empty text. Encoded: int32 [1], 0.

    The body is given one learned token in its place. So it always has a position to encode and to
    attend to: an encoding of length 0 would have attention divide by nothing, in each model anew,
    and leave the encoder without a gradient.
    """

    kind: ClassVar[str] = "nothing"
    is_stored: ClassVar[bool] = False
    prompt: ClassVar[str] = "how the output begins"
    reading_cost: ClassVar[int] = 1
    shuffle_buffer: ClassVar[int] = 2**13

    def net(self, hparams: Any) -> Any:
        from t2t_mm.modalities.nothing.net import NothingNet

        return NothingNet(self, hparams)

    def encode(self, value: Any, training: bool = False, seed: Any = None) -> Any:
        import tensorflow as tf

        return tf.zeros([1], tf.int32)

    def padded_length(self, positions: Any) -> int:
        return 1

    def read(self, value: Any) -> bytes:
        """None, or an empty text. UserError for anything else."""
        if not (value is None or (isinstance(value, str | bytes) and not value)):
            raise UserError(
                f"the problem has no input, and is given {repr(value)[:40]}: what outputs begin "
                "with is their prefix"
            )
        return b""

    def sent(self, value: bytes) -> bytes:
        return value

    def read_in_graph(self, content: Any) -> Any:
        import tensorflow as tf

        with tf.control_dependencies([tf.debugging.assert_equal(content, "")]):
            # What it returns is used: a check that nothing reads is optimised away.
            return tf.identity(content)

    def sample(self) -> bytes:
        return b""

    def describe(self, value: Any) -> list[str]:
        return ["none"]

    def position_labels(self, encoded: Any, count: int | None = None) -> list[str]:
        return ["<nothing>"]
