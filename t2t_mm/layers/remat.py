"""Rematerialisation: activations inside a layer are computed again for its gradient instead of
being kept."""

import functools
from typing import Any

import keras

from t2t_mm.layers import kernels, parts, shares, sharing


class Remat:
    """Calls layers and keeps only their inputs for the gradient (Chen et al., arXiv 1604.06174).

    Args:
        on: whether to; otherwise layers made alike share a graph (layers.sharing).
        seed: the layers.seeds.Seeds of the layers.

    Call arguments:
        layer: its call takes `training`.
        tensors: its first arguments, floating-point: only these get gradients.
        training: outside training nothing is kept anyway.
        others: further arguments, by keyword.
    """

    def __init__(self, on: bool, seed: Any) -> None:
        self.on, self.seed = on, seed

    def __call__(self, layer: Any, *tensors: Any, training: bool, **others: Any) -> Any:
        if shares.is_shared_out(layer):
            return layer(*tensors, training=training, **others)
        call = functools.partial(self._call, layer)
        return parts.run(layer, call, tensors, others, training=training)

    def _call(self, layer, tensors, others, training):
        if not (self.on and training):
            return sharing.call(layer, *tensors, seed=self.seed, training=training, **others)
        first, by_xla = self.seed.next(), kernels.compiled_by_xla()

        def run(*tensors):
            with (
                self.seed.following(first),
                kernels.as_compiled(by_xla),
            ):  # the same dropout, and the same paths
                return layer(*tensors, training=training, **others)

        return keras.remat(run)(*tensors)
