"""Rematerialisation: what a layer computes on the way is computed again for its gradient, instead
of being kept."""

import keras

from t2t_mm.layers import kernels


class Remat:
    """Calls layers; of their activations only what goes in is kept, if told so (Chen et al., arXiv
    1604.06174).

    Args:
        on: whether to; else a layer is simply called.
        seed: layers.seeds.Seeds that the layers draw from.

    Call arguments:
        layer: its call takes `training`.
        tensors: its first arguments, floating-point: gradients reach them and no others.
        training: without it there is nothing to keep.
        others: further arguments, by keyword.
    """

    def __init__(self, on, seed):
        self.on, self.seed = on, seed

    def __call__(self, layer, *tensors, training, **others):
        if not (self.on and training):
            return layer(*tensors, training=training, **others)
        first, by_xla = self.seed.next(), kernels.compiled_by_xla()

        def run(*tensors):
            with (
                self.seed.following(first),
                kernels.as_compiled(by_xla),
            ):  # the same dropout, and the same paths
                return layer(*tensors, training=training, **others)

        return keras.remat(run)(*tensors)
