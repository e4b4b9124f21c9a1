"""Optimizers for a model of which every step trains only a part."""

import re

import keras
import numpy as np
import tensorflow as tf

from t2t_mm.errors import UserError

OPTIMIZERS = ("adam", "adamw", "adafactor", "muon")


def make_optimizer(hparams, variables):
    """The optimizer named by `hparams.optimizer`, built over all of `variables` (keras Variables).

    Its learning rate is a variable that the train step assigns. Clipping is the train step's work
    too. Weight decay (adamw, muon) leaves vectors alone: biases, LayerNorm scales; Muon's is of the
    matrices that it moves.
    """
    adam = {
        "learning_rate": float(hparams.learning_rate),
        "beta_1": hparams.beta1,
        "beta_2": hparams.beta2,
        "epsilon": hparams.epsilon,
    }
    if hparams.optimizer == "adam":
        optimizer = PathAdam(**adam)
    elif hparams.optimizer == "adamw":
        optimizer = PathAdam(**adam, weight_decay=hparams.weight_decay)
    elif hparams.optimizer == "adafactor":
        # Squared, Keras' epsilon of 1e-30 is no float32, and a kernel's taps that no text reaches
        # would become NaN.
        optimizer = Adafactor(learning_rate=float(hparams.learning_rate), epsilon_1=1e-16)
    elif hparams.optimizer == "muon":
        optimizer = Muon(**adam, weight_decay=hparams.weight_decay or None)
    else:
        raise UserError(f"optimizer is one of {', '.join(OPTIMIZERS)}; got {hparams.optimizer!r}.")
    optimizer.exclude_from_weight_decay(
        var_list=[v for v in variables if not optimizer.is_decayed(v)]
    )
    optimizer.build(variables)
    return optimizer


def is_no_vector(variable):
    """Whether the variable is more than a vector, or, as experts' biases, a stack of vectors."""
    return len(variable.shape) > 1 and not re.search(r"/b[12]$", variable.path)


class Everywhere:
    """For an optimizer that is called once for all replicas, with gradients that are summed
    already.

    Keras' are called in each replica, and sum the gradients themselves, which is too late to clip
    them all together.
    """

    def is_decayed(self, variable):
        """Whether weight decay is of the variable, too."""
        return is_no_vector(variable)

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        pairs = [
            (gradient, variable.value)
            for gradient, variable in zip(grads, trainable_variables, strict=True)
        ]
        self._distributed_tf_update_step(self._distribution_strategy, pairs, learning_rate)

    def _apply_weight_decay(self, variables):
        if self.weight_decay is None:
            return
        share = tf.cast(self.weight_decay, tf.float32) * tf.cast(self.learning_rate, tf.float32)
        for variable in filter(self._use_weight_decay, variables):
            decay = lambda variable: variable.assign_sub(variable * tf.cast(share, variable.dtype))  # noqa: E731
            self._distribution_strategy.extended.update(variable.value, decay, group=False)


class Adafactor(Everywhere, keras.optimizers.Adafactor):
    """Keras' Adafactor."""


class PathAdam(Everywhere, keras.optimizers.Adam):
    """Adam for steps that update only the variables on one problem's path.

    Two things differ from its base. The bias correction counts each variable's own updates rather
    than all
    steps: the net of a problem that is sampled rarely would otherwise take steps several times too
        long at
    first. And the update is TensorFlow's fused kernel, one op a variable: a third of the time, and
    of the graph.
    """

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.updates = self.add_variable(
            (len(variables),), dtype="float32", aggregation="only_first_replica", name="updates"
        )

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        """Counts the updates and gives every variable its own learning rate."""
        index = [self._get_variable_index(v) for v in trainable_variables]
        self.updates.assign_add(np.isin(np.arange(len(self._momentums)), index).astype("float32"))
        rates = self.corrected(
            tf.cast(learning_rate, tf.float32), tf.gather(self.updates.value, index)
        )
        self._constants = [
            tf.constant(x, tf.float32) for x in (0.0, self.beta_1, self.beta_2, self.epsilon)
        ]
        super()._backend_update_step(grads, trainable_variables, tf.unstack(rates))

    def corrected(self, learning_rate, updates):
        """Learning rate with the bias corrections of both moments after so many updates, float32
        [n]."""
        return learning_rate * tf.sqrt(1 - self.beta_2**updates) / (1 - self.beta_1**updates)

    def _distributed_tf_update_step(self, distribution, grads_and_vars, learning_rates):
        for (gradient, variable), rate in zip(grads_and_vars, learning_rates, strict=True):
            distribution.extended.update(variable, self._update, args=(gradient, rate), group=False)

    @tf.autograph.experimental.do_not_convert
    def _update(self, variable, gradient, rate):
        self.update_step(gradient, variable, rate)

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        zero, beta_1, beta_2, epsilon = (
            self._constants
        )  # made once, since 400 variables would make 400 of each
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
    taken matrix by matrix. Embeddings and softmax, gates and depthwise kernels, by their names,
    vectors and stacks of vectors are left to Adam. (A classifier is not: Adam's steps, equal for
    every weight, would move the logits of a wide layer too far.) keras.optimizers.Muon would give
    stacks to Adam, and has neither the fused Adam nor its per-variable counts.
    """

    momentum = 0.95
    adams = "embedding|softmax|w_gate|w_noise|depthwise"

    def is_matrix(self, variable):
        """Whether Muon moves the variable."""
        return (
            len(variable.shape) in (2, 3)
            and is_no_vector(variable)
            and not re.search(self.adams, variable.path)
        )

    is_decayed = is_matrix

    def build(self, variables):
        super().build(variables)
        self.matrices = frozenset(i for i, v in enumerate(variables) if self.is_matrix(v))

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        if index not in self.matrices:
            return super().update_step(gradient, variable, learning_rate)
        momentum = self._momentums[index].value
        momentum.assign(self.momentum * momentum + gradient)
        direction = orthogonalise(gradient + self.momentum * momentum)  # Nesterov's look ahead
        scale = 0.13 * max(variable.shape[-2:]) ** 0.5
        variable.assign_sub(tf.cast(self.learning_rate, tf.float32) * scale * direction)


@tf.function(autograph=False)
def orthogonalise(matrix, steps=5):
    """U V' of the matrix U S V' (nearly: singular values end within 0.7 to 1.2), for [..., m, n].

    Newton-Schulz iteration with the quintic that Jordan et al. tuned for speed.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = matrix / (tf.norm(matrix, axis=(-2, -1), keepdims=True) + 1e-7)
    for _ in range(steps):
        gram = tf.matmul(x, x, transpose_a=tall, transpose_b=not tall)  # the smaller square
        mix = b * gram + c * tf.matmul(gram, gram)
        x = a * x + (tf.matmul(x, mix) if tall else tf.matmul(mix, x))
    return x
