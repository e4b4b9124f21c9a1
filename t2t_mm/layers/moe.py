"""Mixture of experts: noisy top-k gating over feed-forward experts, with sparse dispatch."""

import functools
from typing import Any

import keras
from keras import ops

from t2t_mm.layers import dispatch, gating, kernels, parts, shares
from t2t_mm.layers.base import Layer
from t2t_mm.layers.feed_forward import uniform
from t2t_mm.layers.roles import tag
from t2t_mm.layers.watching import show


class MixtureOfExperts(Layer):
    """Sends each position through k of many feed-forward experts (arXiv 1701.06538; paper:
    Mixture-of-experts blocks).

    The cost follows k, not the number of experts: assignments are sorted by expert, the rows
    gathered in that order, each expert works on its own rows, and the results are gathered back and
    summed with their gates.
    There are two ways to run the experts, equal in result as long as nothing is dropped:

    - Buffers of static capacity and one batched product: on accelerators, and for whatever XLA
      compiles. A buffer has room for `capacity_factor` times an even share. What finds no room is
      dropped in training, the last positions first; outside training it is computed in further
      blocks.
    - Slices as large as their load, on TensorFlow on a CPU without XLA (`kernels.py`).

    Outside training nothing is ever dropped.

    Built within `shares.shared_out`, each replica holds some of the experts. All tokens are brought
    to all replicas, each computes what its experts make of them, and the results are summed. Such a
    layer is called in replicas, outside of any graph.

    Args:
        num_experts: number of experts E.
        hidden_size: width H of each expert.
        k: experts for each position.
        capacity_factor: rows of a static buffer, relative to an even share of the positions.
        loss_coefficient: weight of the balancing losses, coefficient * (CV^2(importance) +
            CV^2(load)).
        noise: whether there is noise on the gates in training.
        seed: `keras.random.SeedGenerator` for initial weights and gating noise.

    Call arguments:
        x: [batch, length, channels].
        valid: bool [batch, length], false at padding, which is routed nowhere; None: no padding.
        training: whether to add noise to the gates.

    Returns:
        y: [batch, length, channels], zeros at padding.
        info: dict of float32: `aux_loss` scalar, `importance` [E] (sum of gates), `load` [E]
            (positions; in training a smooth estimate), `dropped` scalar (share of assignments that
            found no room; zero outside training).
    """

    def __init__(
        self,
        num_experts: int,
        hidden_size: int,
        k: int = 4,
        capacity_factor: float = 2.0,
        loss_coefficient: float = 0.01,
        noise: bool = True,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 1 <= k <= num_experts:
            raise ValueError(
                f"k must be between 1 and num_experts = {num_experts}, received k = {k}"
            )
        self.num_experts = num_experts
        self.hidden_size = hidden_size
        self.k = k
        self.capacity_factor = capacity_factor
        self.loss_coefficient = loss_coefficient
        self.noise = noise
        self.seed = seed or keras.random.SeedGenerator()

    def build(self, input_shape: Any) -> None:
        depth, hidden = input_shape[-1], self.hidden_size
        # Gates start at zero: all experts are equal, and the noise alone chooses. They stay in
        # float32: rounding to bfloat16 would change which experts are chosen.
        parameters = self.num_experts * (2 * depth * hidden + hidden + depth)
        self.exchange = shares.exchange_of(self.num_experts, parameters)
        self.held = self.num_experts // (self.exchange.count if self.exchange else 1)
        gate = {
            "shape": (depth, self.num_experts),
            "initializer": "zeros",
            "dtype": "float32",
            "autocast": False,
        }
        self.w_gate = tag(self.add_weight(name="w_gate", **gate), "gate")
        self.w_noise = None
        if self.noise:
            self.w_noise = tag(self.add_weight(name="w_noise", **gate), "gate")
        first, second = uniform(depth, self.seed), uniform(hidden, self.seed)
        zeros = keras.initializers.Zeros()
        self.w1 = self._stack("w1", "matrix", (depth, hidden), first)
        self.b1 = self._stack("b1", "vector", (hidden,), zeros)
        self.w2 = self._stack("w2", "matrix", (hidden, depth), second)
        self.b2 = self._stack("b2", "vector", (depth,), zeros)
        self.built = True

    def _stack(self, name, role, shape, initializer):
        """A weight that every expert has its own of."""
        shape = (self.num_experts, *shape)
        if not self.exchange:
            weight = self.add_weight(name=name, shape=shape, initializer=initializer)
            return tag(weight, role, expert=True)
        held = (self.held, *shape[1:])
        weight = self.add_weight(name=name, shape=held, initializer="zeros")
        self.exchange.spread(weight, initializer(shape, weight.dtype))  # as one device has them
        return tag(shares.hold(weight, self.exchange.count), role, expert=True)

    def call(self, x: Any, valid: Any = None, training: bool = False) -> tuple:
        tokens = ops.reshape(x, (-1, x.shape[-1]))  # [T, D]
        valid = (
            ops.ones_like(tokens[:, 0], dtype="bool")
            if valid is None
            else ops.reshape(valid, (-1,))
        )
        gates, chosen, importance, load = parts.run(
            self, self.gate, tokens, valid, training=training
        )
        show("experts", (gates, chosen))
        if self.exchange:
            work = functools.partial(parts.run, self, self.run_held, training=training)
            chosen = ops.where(valid[:, None], chosen, self.num_experts)
            y, counts = self.exchange.through(work, tokens, gates, chosen)
            routed, kept = counts[0], counts[1]
        else:
            y, kept = self.run(tokens, gates, chosen, valid, training)
            routed = ops.sum(ops.cast(valid, "float32")) * self.k
        balance = gating.squared_variation(importance) + gating.squared_variation(load)
        info = {
            "aux_loss": self.loss_coefficient * balance,
            "importance": importance,
            "load": load,
            "dropped": (routed - kept) / ops.maximum(routed, 1.0),
        }
        return kernels.reshape_like(y, x, x.shape[-1]), info

    def step(self, x: Any) -> Any:
        """One position of decoding: [rows, channels] -> [rows, channels]; no noise, and nothing is
        dropped."""
        if self.exchange:
            raise ValueError(
                f"the experts of {self.path} are shared out over {self.exchange.count} replicas, "
                "none of which can decode alone; load a checkpoint of the run, or train with "
                "expert_parallel=off"
            )
        largest, chosen = ops.top_k(ops.matmul(ops.cast(x, "float32"), self.w_gate), self.k)
        valid = ops.ones_like(x[:, 0], dtype="bool")
        return self.run(x, kernels.softmax(largest), ops.cast(chosen, "int32"), valid)[0]

    def run(
        self, tokens: Any, gates: Any, chosen: Any, valid: Any, training: bool = False
    ) -> tuple:
        """Tokens [T, D] through the experts that are held here: ([T, D], number of assignments
        computed). `valid` is bool [T], or [T, k]."""
        ragged, count = kernels.on_tensorflow_cpu(), kernels.size(tokens, 0)
        capacity = None if ragged else self.capacity(count, training)
        plan = dispatch.plan(chosen, valid, self.held, capacity)
        rows = dispatch.dispatch(tokens, plan)  # [S, D]
        weights = [ops.cast(w, tokens.dtype) for w in (self.w1, self.b1, self.w2, self.b2)]
        out = (
            kernels.ragged_experts(rows, plan.sizes, *weights)
            if ragged
            else buffered_experts(rows, *weights)
        )
        gates = ops.cast(gates, out.dtype)
        y = dispatch.combine(out, gates, plan)
        has_room = ragged or (isinstance(count, int) and count <= capacity)  # for every token
        if training or has_room:
            return y, ops.sum(ops.cast(plan.kept, "float32"))

        def expert(index: Any, rows: Any) -> Any:
            return one_expert(rows, *(kernels.gather(w, index) for w in weights))

        y = dispatch.add_overflow(y, tokens, gates, plan, capacity, expert)
        return y, ops.cast(plan.first[-1], "float32")

    def run_held(self, tokens: Any, gates: Any, chosen: Any, training: bool = False) -> tuple:
        """What the experts of this replica make of the tokens of all: ([T, D], [assignments of the
        tokens that this replica counts, assignments computed])."""
        # A part leaves two dimensions open, of which the second is known.
        tokens = ops.reshape(tokens, (-1, self.w_gate.shape[0]))
        gates, chosen = (ops.reshape(each, (-1, self.k)) for each in (gates, chosen))
        first = self.exchange.index() * self.held
        mine = (chosen >= first) & (chosen < first + self.held)  # [T, k]
        y, kept = self.run(tokens, gates, chosen - first, mine, training)
        return y, ops.stack([ops.sum(ops.cast(mine, "float32")), kept])

    def gate(self, tokens: Any, valid: Any, training: bool) -> tuple:
        tokens = ops.cast(tokens, "float32")
        clean = ops.matmul(tokens, self.w_gate)  # [T, E]
        deviation = (
            ops.softplus(ops.matmul(tokens, self.w_noise)) + 1e-2
            if training and self.noise
            else None
        )
        return gating.noisy_top_k(clean, deviation, self.k, valid, self.seed)

    def capacity(self, tokens: Any, training: bool) -> Any:
        """Rows of each expert's buffer for a number of tokens: an int, or a tensor if it isn't
        known yet.

        Outside training there is room for every one of up to 128 tokens (decoding).
        """
        least, most = (min, max) if isinstance(tokens, int) else (ops.minimum, ops.maximum)
        share = tokens * round(100 * self.capacity_factor) * self.k // (100 * self.num_experts) + 1
        return least(tokens, ((share if training else most(share, 128)) + 7) // 8 * 8)


def buffered_experts(rows: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    """Feed-forward ReLU experts on buffers of one size: rows [E * C, D] -> [E * C, D]."""
    rows = ops.reshape(rows, (w1.shape[0], -1, w1.shape[1]))  # [E, C, D]
    out = one_expert(rows, w1, b1[:, None], w2, b2[:, None])  # [E, C, D]
    return ops.reshape(out, (-1, w1.shape[1]))


def one_expert(rows: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    """Feed-forward ReLU expert: rows [C, D] -> [C, D]; or E of them, each on rows of its own."""
    return ops.matmul(ops.relu(ops.matmul(rows, w1) + b1), w2) + b2
