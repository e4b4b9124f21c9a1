"""What all modality nets have in common."""

from typing import Any

import keras

from t2t_mm import registry
from t2t_mm.layers.base import Layer
from t2t_mm.modalities.base import Modality


class ModalityNet(Layer):
    """Turns one modality into hidden states of the body (`bottom`) or the body's output into
    predictions (`top`).

    A net is made by `Net(spec, hparams)`. The weights of a side are made when the first problem
    needs that side, by `build_bottom` for inputs and `build_top` for targets; calling them again
    changes nothing. As a layer, `net(inputs, mask)` is its bottom.

        bottom(inputs, mask, training) -> (hidden [batch, length, hidden], mask [batch, length],
                                           grid)
        top(hidden, mask, grid)        -> logits [batch, length, classes], float32

    `grid` is (rows, columns) where the positions are those of a picture, else None. A target that
    is a sequence is also read and predicted position by position:

        embed(targets)                 -> hidden [..., hidden], of previous outputs
        projection()                   -> what `project` needs, computed once
        project(hidden, projection)    -> logits [..., classes], float32

    With the hparam `ctc_weight`, it is also read off the encoding of a signal, by weights that
    `build_alignment` makes:

        alignment(encoding)            -> logits [..., 1 + classes], float32, of a blank and of each
                                          piece; see modalities.ctc

    Variables whose role can't be seen from the number of axes have to be tagged; see layers.roles.
    """

    def build_bottom(self) -> None:
        """Makes the weights that read inputs."""
        raise TypeError(f"{type(self).__name__} does not read inputs")

    def build_top(self) -> None:
        """Makes the weights that write targets."""
        raise TypeError(f"{type(self).__name__} does not write targets")

    def build_alignment(self) -> None:
        """Makes the weights that read targets off the encoding of a signal."""
        raise TypeError(f"{type(self).__name__} has no CTC head: leave ctc_weight at 0")

    def alignment_variables(self) -> list[keras.Variable]:
        """The trainable variables that `alignment` uses, and nothing else does."""
        return []

    def build(self, input_shape: Any = None) -> None:
        self.build_bottom()

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> tuple:
        return self.bottom(inputs, mask, training=training)

    def bottom_variables(self) -> list[keras.Variable]:
        """The trainable variables that reading inputs uses."""
        return self.trainable_variables

    def top_variables(self) -> list[keras.Variable]:
        """The trainable variables that writing targets uses."""
        return self.trainable_variables

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return config | ({"spec": config["spec"].essential()} if "spec" in config else {})

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ModalityNet":
        spec = {"spec": spec_of(config["spec"])} if "spec" in config else {}
        return super().from_config(config | spec)


def spec_of(config: dict[str, Any]) -> Modality:
    """The spec that `Modality.essential` was of, enough to make a net."""
    return registry.modality(config["kind"]).from_essential(config)
