"""Optimizers for a model of which every step trains only a part: what one problem runs through."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from t2t_mm.compat import UpdatesAllReplicas
from t2t_mm.layers.roles import role
from t2t_mm.layers.shares import hold, holders

# x -> a x + b x^3 + c x^5, by which singular values of 0.01 to 1 come within 0.27 of 1.
QUINTICS = (8.0934, -23.6204, 17.4462), (3.6366, -2.7219, 0.5365), (2.6613, -1.9772, 0.4526)


class CountsUpdates(UpdatesAllReplicas):
    """Mixin that counts the updates of each variable, in `updates`, float32 [variables].

    Attributes:
        shares_out: whether a stack of experts is updated expert by expert, so that replicas can
            share it out.
    """

    shares_out = False

    def build(self, variables: list[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self.updates = self.add_variable(
            (len(variables),), dtype="float32", aggregation="only_first_replica", name="updates"
        )

    def add_variable_from_reference(
        self, reference_variable: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """A variable as large as another, held by as many replicas."""
        made = super().add_variable_from_reference(reference_variable, *args, **kwargs)
        return hold(made, holders(reference_variable))

    def is_decayed(self, variable: Any) -> bool:
        """Whether weight decay, where there is one, is of this variable, too."""
        return role(variable) != "vector"

    def rates(self, variables: list[Any], learning_rate: Any) -> list:
        index = [self.index_of(v) for v in variables]
        chosen = np.isin(np.arange(self.updates.shape[0]), index)
        self.updates.assign_add(chosen.astype("float32"))
        return self.rates_after(tf.gather(self.updates.value, index), learning_rate)

    def rates_after(self, updates: Any, learning_rate: Any) -> list:
        """The learning rate of each variable after so many updates, float32 [n]."""
        return [learning_rate] * updates.shape[0]


class PathAdafactor(CountsUpdates, keras.optimizers.Adafactor):
    """Adafactor (Shazeer and Stern, arXiv 1804.04235) whose decay rates go by a variable's own
    updates, and not by all steps: at its first update the means are its gradient's squares."""

    _own = None

    @property
    def iterations(self) -> Any:
        """Steps; while a variable is updated, its own updates before this one."""
        return super().iterations if self._own is None else self._own

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        self._own = self.updates.value[self.index_of(variable)] - 1.0
        try:
            super().update_step(gradient, variable, learning_rate)
        finally:
            self._own = None


class PathAdam(CountsUpdates, keras.optimizers.Adam):
    """Adam for steps that update only the variables on one problem's path.

    Two things differ from its base. The bias correction counts each variable's own updates rather
    than all steps: the net of a problem that is sampled rarely would otherwise take steps several
    times too long at first. And the update is TensorFlow's fused kernel, one operation for each
    variable: a third of the time, and of the graph.
    """

    shares_out = True

    def rates_after(self, updates: Any, learning_rate: Any) -> list:
        constants = (0.0, self.beta_1, self.beta_2, self.epsilon)
        # made once, since 400 variables would make 400 of each
        self._constants = [tf.constant(x, tf.float32) for x in constants]
        self._rate = rate = tf.cast(learning_rate, tf.float32)
        both = tf.sqrt(1 - self.beta_2**updates) / (1 - self.beta_1**updates)
        return tf.unstack(rate * both)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        index = self.index_of(variable)
        zero, beta_1, beta_2, epsilon = self._constants
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=zero,
            beta2_power=zero,  # the correction is in the rate already
            lr=learning_rate,
            beta1=beta_1,
            beta2=beta_2,
            epsilon=epsilon,
            grad=tf.cast(gradient, variable.dtype),
        )


class Muon(PathAdam):
    """Muon (Jordan et al. 2024) for matrices, Adam for everything else.

    A matrix moves along its momentum with all singular values made equal, scaled by 0.13
    sqrt(larger side), so that one learning rate serves both (0.2 in Moonlight, arXiv 2502.16982;
    tables and scales want more of it here). A stack of matrices, such as the experts' [E, D, H], is
    taken matrix by matrix. What is no matrix by its role (layers.roles) is left to Adam: embeddings
    and softmax, gates, depthwise kernels, vectors and stacks of vectors. (A classifier is not:
    Adam's steps, equal for every weight, would move the logits of a wide layer too far.)
    keras.optimizers.Muon would give stacks to Adam, and has neither the fused Adam nor its counts.
    """

    momentum = 0.95

    def is_decayed(self, variable: Any) -> bool:
        """Weight decay is of the matrices alone."""
        return role(variable) == "matrix"

    def build(self, variables: list[keras.Variable]) -> None:
        super().build(variables)
        self.matrices = frozenset(i for i, v in enumerate(variables) if role(v) == "matrix")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        index = self.index_of(variable)
        if index not in self.matrices:
            return super().update_step(gradient, variable, learning_rate)
        momentum = self._momentums[index].value
        kept, change = muon_change(
            gradient, tf.convert_to_tensor(momentum), self._rate, self.momentum
        )
        momentum.assign(kept)
        variable.assign_sub(change)


@tf.function(autograph=False, experimental_attributes={"_noinline": True})
def muon_change(gradient: Any, momentum: Any, rate: Any, decay: float) -> tuple:
    """What Muon makes of a gradient [..., m, n]: (the new momentum, what is taken off the matrix).

    A graph of its own, which all matrices of one shape share.
    """
    momentum = decay * momentum + gradient
    direction = orthogonalise(gradient + decay * momentum)  # Nesterov's look ahead
    return momentum, rate * (0.13 * max(gradient.shape[-2:]) ** 0.5) * direction


def orthogonalise(matrix: Any) -> Any:
    """U V' of the matrix U S V' (nearly: singular values of a hundredth of the largest or more end
    within 0.7 to 1.3), for [..., m, n].

    Three steps of Newton-Schulz' kind, each with the odd quintic that leaves the least error of all
    on what the one before it leaves of [0.01, 1], as in Polar Express (Amsel et al., arXiv
    2505.16932). They are polynomials in the smaller of both squares, X X' or X' X, and computed
    there: the matrix itself is read at the start and at the end alone.
    """
    tall = matrix.shape[-2] > matrix.shape[-1]
    square = tf.matmul(matrix, matrix, transpose_a=tall, transpose_b=not tall)  # [..., s, s]
    # its norm is at least the largest singular value, squared
    size = tf.norm(square, axis=(-2, -1), keepdims=True) + 1e-14
    square /= size
    unit = np.eye(square.shape[-1], dtype=np.float32)

    def mixed(square, a, b, c):
        return a * unit + b * square + c * tf.matmul(square, square)

    product = mix = mixed(square, *QUINTICS[0])
    for quintic in QUINTICS[1:]:
        square = tf.matmul(mix, tf.matmul(square, mix))
        mix = mixed(square, *quintic)
        product = tf.matmul(mix, product)
    product *= tf.math.rsqrt(size)
    return tf.matmul(matrix, product) if tall else tf.matmul(product, matrix)
