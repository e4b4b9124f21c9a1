"""Audio net: a stack of residual blocks over time and frequency (paper: Modality nets)."""

from typing import Any

from keras import ops

from t2t_mm.layers import kernels, sharing
from t2t_mm.layers.convolution import apply_mask
from t2t_mm.layers.convolution2d import ConvRes, ConvStep2D, stride_mask
from t2t_mm.modalities.net import ModalityNet

BLOCKS = 8


def spread(stride: int) -> tuple[int, ...]:
    """`stride`, a power of two, as the product of one stride for each block, spread evenly from the
    first on."""
    doublings = stride.bit_length() - 1
    strides = [1] * BLOCKS
    for i in range(doublings):
        strides[i * BLOCKS // doublings] *= 2
    return tuple(strides)


class AudioNet(ModalityNet):
    """Spectrogram frames or samples of a waveform to hidden states.

    Eight ConvRes blocks of 2, 4, ... 256 channels; what is left of the frequency axis is then
    folded into the channels and mapped to the hidden size.

    Args:
        spec: features.Audio (`form`, `bins`, `time_stride`: the product of the blocks' strides
            along time).
        hparams: `hidden_size`; `audio_frequency_stride`: the product of the blocks' strides along
            frequency.
    """

    def __init__(self, spec: Any, hparams: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.bins = 1 if spec.form == "waveform" else spec.bins
        self.time_strides = spread(spec.time_stride)
        self.frequency_strides = spread(1 if self.bins == 1 else hparams.audio_frequency_stride)
        self.blocks = [
            ConvRes(2 ** (i + 1), strides=strides, name=f"res{i + 1}")
            for i, strides in enumerate(zip(self.time_strides, self.frequency_strides, strict=True))
        ]
        self.fold = ConvStep2D(hparams.hidden_size, taps=1, name="fold")

    def build_bottom(self) -> None:
        """Makes the weights."""
        if not self.built:
            shape, bins = (None, None, None, 1), self.bins
            for block, stride in zip(self.blocks, self.frequency_strides, strict=True):
                block.build(shape)
                shape, bins = block.compute_output_shape(shape), -(-bins // stride)
            self.folded = bins * shape[-1]
            self.fold.build((None, None, None, self.folded))
            self.built = True

    def bottom(self, audio: Any, mask: Any, training: bool = False) -> tuple:
        """Audio to the body.

        Args:
            audio: [batch, frames, bins, 1] or, for a waveform, [batch, samples, 1].
            mask: [batch, frames or samples], true where real.

        Returns:
            (hidden [batch, positions, hidden], mask [batch, positions], grid None).
        """
        x = ops.cast(audio, self.compute_dtype)
        if len(x.shape) == 3:
            x = x[:, :, None, :]  # [batch, samples, 1, 1]
        for block, stride in zip(self.blocks, self.time_strides, strict=True):
            x = sharing.call(block, x, mask)
            mask = stride_mask(mask, stride)
        x = ops.reshape(x, (-1, kernels.size(x, 1), 1, self.folded))
        return apply_mask(self.fold(x)[:, :, 0], mask), mask, None
