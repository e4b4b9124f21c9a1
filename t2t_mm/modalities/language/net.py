"""Language net: embedding in, linear map to the vocabulary out (paper: Modality nets)."""

from typing import Any

import keras
from keras import ops

from t2t_mm.layers.pointwise import pointwise
from t2t_mm.layers.roles import tag
from t2t_mm.modalities.net import ModalityNet


class LanguageNet(ModalityNet):
    """Embeds pieces and predicts them.

    Args:
        spec: features.Language, resolved (its `size` is the number of ids).
        hparams: `hidden_size`; `share_embeddings`: one table for inputs, previous outputs and
            softmax, or three.

    Tables are made when the model's problems need them (`build_bottom`, `build_top`). Ids are int32
    [batch, length]; hidden states [batch, length, hidden].
    """

    def __init__(self, spec: Any, hparams: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vocab_size, self.hidden_size = spec.size, hparams.hidden_size
        self.share_embeddings = hparams.share_embeddings
        self.input_table = self.target_table = self.softmax_table = None
        self.alignment_kernel = self.alignment_bias = None

    def _table(self, name):
        # Standard deviation hidden^-1/2: unit variance after scaling by hidden^1/2, and logits of
        # unit variance.
        table = self.add_weight(
            name=name,
            shape=(self.vocab_size, self.hidden_size),
            initializer=keras.initializers.RandomNormal(stddev=self.hidden_size**-0.5),
        )
        return tag(table, "embedding")

    def build_bottom(self) -> None:
        """Makes the table that inputs are read with."""
        if self.input_table is None:
            self.input_table = self._table("embedding")

    def build_top(self) -> None:
        """Makes the tables that previous outputs are read with and outputs are predicted with."""
        if self.softmax_table is None:
            if self.share_embeddings:
                self.build_bottom()
                self.target_table = self.softmax_table = self.input_table
            else:
                self.target_table, self.softmax_table = (
                    self._table("target_embedding"),
                    self._table("softmax"),
                )

    def build_alignment(self) -> None:
        """Makes the linear map that reads pieces off the encoding of a signal."""
        if self.alignment_kernel is None:
            shape = (self.hidden_size, 1 + self.vocab_size)  # the blank, and the pieces
            self.alignment_kernel = self.add_weight(
                name="alignment_kernel", shape=shape, initializer="glorot_uniform"
            )
            self.alignment_bias = self.add_weight(
                name="alignment_bias", shape=shape[1:], initializer="zeros"
            )

    def bottom_variables(self) -> list[keras.Variable]:
        return [self.input_table]

    def top_variables(self) -> list[keras.Variable]:
        return (
            [self.softmax_table]
            if self.share_embeddings
            else [self.target_table, self.softmax_table]
        )

    def alignment_variables(self) -> list[keras.Variable]:
        return [self.alignment_kernel, self.alignment_bias]

    def _embed(self, table, ids):
        x = ops.take(ops.convert_to_tensor(table), ids, axis=0) * self.hidden_size**0.5
        return ops.cast(x, self.compute_dtype)

    def bottom(self, ids: Any, mask: Any, training: bool = False) -> tuple:
        """Inputs to the body: ids [batch, length] -> (hidden [batch, length, hidden], mask, grid
        None)."""
        return self._embed(self.input_table, ids), mask, None

    def embed(self, ids: Any) -> Any:
        """Previous outputs for the mixer: ids [batch, length] -> [batch, length, hidden]."""
        return self._embed(self.target_table, ids)

    def top(self, hidden: Any, mask: Any = None, grid: Any = None, training: bool = False) -> Any:
        """The body's output, normalised -> logits [batch, length, vocab], float32."""
        return self.project(hidden, self.projection())

    def projection(self) -> Any:
        """The matrix [hidden, vocab] of `project`; decoding computes it once, not at every
        position."""
        return ops.transpose(ops.cast(self.softmax_table, self.compute_dtype))

    def project(self, hidden: Any, projection: Any) -> Any:
        """[..., hidden] -> logits [..., vocab], float32."""
        return ops.cast(pointwise(hidden, projection), "float32")

    def alignment(self, encoding: Any) -> Any:
        """[..., hidden] -> logits [..., 1 + vocab], float32, of CTC's blank and the pieces."""
        logits = ops.cast(pointwise(encoding, self.alignment_kernel), "float32")
        return logits + ops.cast(self.alignment_bias, "float32")
