"""What all modality nets have in common."""

import keras


class ModalityNet(keras.layers.Layer):
    """Turns one modality into hidden states of the body (`bottom`) or the body's output into
    predictions (`top`).

    A net makes the weights of a side when the first problem asks for that side: `build_bottom` for
    inputs, `build_top` for targets. A target that is a sequence also has `embed`, which reads
    previous outputs.

        bottom(inputs, mask, training) -> (hidden [batch, length, hidden], mask [batch, length],
        grid) embed(targets)                 -> hidden [batch, length, hidden]
        top(hidden, mask, grid)        -> logits [batch, length, classes], float32

    `grid` is (rows, columns) where the positions are those of a picture, else None.
    """

    def build_bottom(self):
        """Makes the weights that read inputs."""
        raise TypeError(f"{type(self).__name__} does not read inputs")

    def build_top(self):
        """Makes the weights that write targets."""
        raise TypeError(f"{type(self).__name__} does not write targets")

    def bottom_variables(self):
        """The trainable variables that reading inputs uses."""
        return self.trainable_variables

    def top_variables(self):
        """The trainable variables that writing targets uses."""
        return self.trainable_variables
