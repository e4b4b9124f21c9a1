"""The MultiModel: modality nets around one body, for any set of problems (Kaiser et al., arXiv
1706.05137)."""

import math
import random
import re

import keras
from keras import ops

from t2t_mm.layers import kernels
from t2t_mm.layers.incremental import Position, first_lineage
from t2t_mm.layers.seeds import Seeds
from t2t_mm.models.body import Decoder, Encoder, Mixer


class CommandToken(keras.layers.Layer):
    """The learned first token of the decoder: names an output space, such as "to-german" (paper,
    section 2.3)."""

    def __init__(self, hidden_size, **kwargs):
        super().__init__(**kwargs)
        self.hidden_size = hidden_size

    def build(self, input_shape=None):
        self.token = self.add_weight(
            name="token",
            shape=(self.hidden_size,),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
        )
        self.built = True

    def prepend(self, x):
        """[batch, length, hidden] -> [batch, 1 + length, hidden]."""
        token = ops.cast(self.token, x.dtype)[None, None, :]
        return ops.concatenate(
            [ops.broadcast_to(token, (ops.shape(x)[0], 1, self.hidden_size)), x], axis=1
        )


class MultiModel(keras.Model):
    """One model for many problems: modality nets, encoder, I/O mixer and decoder.

    Problems whose resolved specs are equal share a modality net, and problems of the same output
    space share a command token; the body is shared by all.

    Args:
        hparams: hparams.HParams.
        problems: resolved problems, or anything with `name`, `inputs`, `targets` (specs) and
            `command`.

    Call arguments:
        batch: dict of
            inputs: ids [batch, length], pixels [batch, h, w, channels], frames [batch, length,
                bins, 1] or samples [batch, length, 1];
            inputs_mask: bool [batch, length], absent for pictures;
            targets: int32 [batch, target length]; [batch, 1] for classes;
            targets_mask: bool [batch, target length].
        problem: name of the problem that the batch belongs to.
        training: dropout and gating noise on.

    Returns:
        Dict of
            logits: float32 [batch, target length, classes or pieces];
            aux_loss: scalar, the balancing losses of the mixtures of experts;
            experts: {"encoder", "decoder": {"importance": [experts], "load": [experts], "dropped":
                scalar}}.

    Attributes:
        run_part: calls the parts of the model, `run_part(name, function, *tensors, **options)`, so
            that each is compiled once for all problems (execution.compiled.CompiledParts); None:
            they are called as they are.
    """

    def __init__(self, hparams, problems, **kwargs):
        super().__init__(**kwargs)
        self.hparams = hparams
        self.problems = {problem.name: problem for problem in problems}
        self.seed = Seeds(random.randrange(2**31))  # of Python's generator, as all initial values
        self.run_part = None
        self.nets, self.commands = {}, {}
        for problem in self.problems.values():
            self._net(problem.inputs).build_bottom()
            self._net(problem.targets).build_top()
            if problem.command not in self.commands:
                self.commands[problem.command] = CommandToken(
                    hparams.hidden_size, name=layer_name(problem.command)
                )
                self.commands[problem.command].build()
        self.encoder = Encoder(hparams, self.seed, name="encoder")
        self.mixer = Mixer(hparams, self.seed, name="mixer")
        self.decoder = Decoder(hparams, self.seed, name="decoder")
        for part in (self.encoder, self.mixer, self.decoder):
            part.build((None, None, hparams.hidden_size))
        self.built = True

    def _net(self, spec):
        """The net of a resolved spec; equal specs get the same one."""
        name = spec.net_name()
        if name not in self.nets:
            self.nets[name] = spec.net(self.hparams)
        return self.nets[name]

    def _run(self, name, function, *tensors, **options):
        """Calls a part of the model, or has `run_part` call it."""
        if self.run_part is None:
            return function(*tensors, **options)
        return self.run_part(name, function, *tensors, **options)

    def _is_shortcut(self, problem):
        """Whether the problem's target is read off the encoder, as Tensor2Tensor did for
        classes."""
        return problem.targets.kind == "categorical" and self.hparams.categorical_path == "encoder"

    def call(self, batch, problem, training=False):
        problem = self.problems[problem]
        target = problem.targets.net_name()
        encoding, mask, grid, info = self._encode(problem, batch, training)
        if self._is_shortcut(problem):
            hidden, out_mask = encoding, mask
        else:
            hidden, out_mask, more = self._decode(problem, batch, encoding, mask, training)
            info = info | more
            grid = grid if problem.targets.kind == "categorical" else None
        logits = self._run(
            target + "_top", self.nets[target].top, hidden, out_mask, grid, training=training
        )
        return {
            "logits": logits,
            "aux_loss": sum((i["aux_loss"] for i in info.values()), ops.zeros((), "float32")),
            "experts": {
                name: {k: v for k, v in i.items() if k != "aux_loss"} for name, i in info.items()
            },
        }

    def _encode(self, problem, batch, training):
        """(encoding [batch, length, hidden], its mask, grid of a picture or None, info)."""
        source = problem.inputs.net_name()
        x, mask, grid = self._run(
            source + "_bottom",
            self.nets[source].bottom,
            batch["inputs"],
            batch.get("inputs_mask"),
            training=training,
        )
        if (
            grid is not None and "targets_mask" in batch
        ):  # a picture without a target fills a batch up: padding
            mask = mask & ops.any(batch["targets_mask"], axis=1, keepdims=True)
        encoding, info = self._run("encoder", self.encoder, x, mask, training=training)
        return encoding, mask, grid, info

    def _decode(self, problem, batch, encoding, mask, training):
        """The body behind the encoder: (hidden [batch, positions, hidden], their mask, info)."""
        command = self.commands[problem.command]
        if problem.targets.kind == "categorical":
            # A class has no previous outputs: the body reads the encoding in their place, command
            # token first.
            previous, positions = command.prepend(encoding), with_command(mask)
            hidden, info = self._run(
                "body", self.body, previous, positions, encoding, mask, training=training
            )
            return hidden[:, 1:], mask, info
        target = problem.targets.net_name()
        embedded = self._run(target + "_embed", self.nets[target].embed, batch["targets"])
        previous = command.prepend(embedded[:, :-1])  # shifted right
        valid = batch["targets_mask"]
        hidden, info = self._run(
            "body", self.body, previous, valid, encoding, mask, training=training
        )
        return hidden, valid, info

    def body(self, previous, mask, encoding, encoding_mask, training=False):
        """Mixer and decoder: previous outputs [batch, length, hidden] -> (next [batch, length,
        hidden], info)."""
        x = self.mixer(previous, encoding, encoding_mask, training=training)
        return self.decoder(x, mask, encoding, encoding_mask, training=training)

    def remember(self, batch, problem):
        """What decoding reads of the inputs, computed once: the first of three functions of
        incremental decoding.

            memory = model.remember(batch, problem)
            state = model.start(memory, beam, length)
            for time in range(length):
                logits, state = model.step(ids, time, memory, state, problem)  # then the next ids
                from the logits

        Equals the whole model, position by position, when it is fed the same targets.

        Args:
            batch: `inputs`, and `inputs_mask` where there is one, as in a call.
            problem: its name.

        Returns:
            A nested structure of tensors.

        Raises:
            ValueError: the problem's targets are classes, which have no positions.
        """
        if self.problems[problem].targets.kind == "categorical":
            raise ValueError(
                f"The targets of {problem} are classes: call the model; there is nothing to decode"
            )
        encoding, mask, _, _ = self._encode(self.problems[problem], batch, training=False)
        return {
            "mask": mask[:, None, None],
            "projection": self.nets[self.problems[problem].targets.net_name()].projection(),
            "mixer": self.mixer.remember(encoding, mask),
            "decoder": self.decoder.remember(encoding),
        }

    def start(self, memory, beam, length):
        """The state before the first position: a nested structure of tensors.

        Args:
            memory: from `remember`.
            beam: hypotheses an example, an int; row b * beam + i is the i-th of example b.
            length: positions that there is to be room for, an int or a tensor.
        """
        batch = ops.shape(memory["mask"])[0]
        return {
            "lineage": first_lineage(batch * beam, length),
            "mixer": self.mixer.start(batch, beam, length),
            "decoder": self.decoder.start(batch, beam, length),
        }

    def step(self, ids, time, memory, state, problem, beam=1):
        """One position of decoding.

        Args:
            ids: int32 [rows], what was put out at the last position; without effect at the first.
            time: int32 scalar, the position, from 0.
            memory, state: from `remember` and `start`, the state as of the last position. A state
                is used up: the next one may lie in its memory.
            problem: its name.
            beam: as for `start`.

        Returns:
            logits float32 [rows, pieces], state.
        """
        problem = self.problems[problem]
        net, command = self.nets[problem.targets.net_name()], self.commands[problem.command]
        position = Position(time, state["lineage"], beam)
        x = net.embed(ids)  # [rows, hidden]
        x = ops.where(time == 0, ops.cast(command.token, x.dtype), x)
        x, mixer = self.mixer.step(x, memory["mixer"], memory["mask"], position, state["mixer"])
        x, decoder = self.decoder.step(
            x, memory["decoder"], memory["mask"], position, state["decoder"]
        )
        return net.project(x, memory["projection"]), {
            "lineage": position.lineage,
            "mixer": mixer,
            "decoder": decoder,
        }

    def reorder(self, state, rows):
        """The state after row i has taken over the past of row `rows[i]` of the same example; rows
        int32 [rows]."""
        return state | {"lineage": kernels.gather(state["lineage"], rows)}

    def parts_of(self, problem):
        """The trainable variables of each part that a problem, by name, runs through: a list of
        lists."""
        problem = self.problems[problem]
        source, target = self._net(problem.inputs), self._net(problem.targets)
        bottom, top = source.bottom_variables(), target.top_variables()
        nets = [unique(bottom + top)] if source is target else [bottom, top]
        if self._is_shortcut(problem):
            return [*nets, self.encoder.trainable_variables]
        body = [
            *self.encoder.trainable_variables,
            *self.mixer.trainable_variables,
            *self.decoder.trainable_variables,
        ]
        return [*nets, self.commands[problem.command].trainable_variables, body]

    def variables_of(self, problem):
        """The trainable variables on the path of a problem, by name; no other is touched when it
        trains."""
        return [variable for part in self.parts_of(problem) for variable in part]

    def parameter_counts(self):
        """Number of parameters of each part: {net name or "experts" or "body" or "command tokens":
        parameters}."""
        body = [self.encoder, self.mixer, self.decoder]
        experts = sum(count(part.experts) for part in (self.encoder, self.decoder) if part.experts)
        return {name: count(net) for name, net in self.nets.items()} | {
            "command tokens": sum(count(token) for token in self.commands.values()),
            "experts": experts,
            "body": sum(count(part) for part in body) - experts,
        }


def count(layer):
    """Number of trainable parameters."""
    return sum(math.prod(v.shape) for v in layer.trainable_variables)


def unique(variables):
    """The variables, each once."""
    return list({id(v): v for v in variables}.values())


def with_command(mask):
    """The mask of a sequence behind a command token: [batch, length] -> [batch, 1 + length]; a row
    of padding alone has no command."""
    mask = ops.cast(mask, "bool")
    return ops.concatenate([ops.any(mask, axis=1, keepdims=True), mask], axis=1)


def layer_name(name):
    """`name` as the name of a layer, with "_" for what TensorFlow takes in none."""
    return re.sub(r"[^A-Za-z0-9_.]", "_", name)
