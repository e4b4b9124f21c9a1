"""The contract of a model: what training, decoding, export and inspection need from it.

`ProblemModel` implements it for every model that encodes inputs and decodes targets from the
encoding. Such a model is a subclass that provides the body, registered under a name:

    @registry.register_model
    class MyModel(ProblemModel):
        def make_body(self): ...
        def body(self, previous, mask, encoding, encoding_mask, training=False): ...
        def remember_source(self, encoding, mask): ...
        def start_body(self, batch, beam, length): ...
        def step_body(self, x, memory, mask, position, state): ...

A model of another shape overrides `call`, `remember`, `start`, `step` and `parts_of` themselves.
"""

import random
from collections.abc import Callable, Iterable
from typing import Any

import keras
from keras import ops

from t2t_mm.layers import kernels, parts, shares
from t2t_mm.layers.base import hparams_of
from t2t_mm.layers.incremental import Position, first_lineage
from t2t_mm.layers.seeds import Seeds
from t2t_mm.models.command import CommandToken, layer_name, with_command
from t2t_mm.models.fields import FieldMarker, read_inputs
from t2t_mm.models.single import SingleProblem, sides_config, sides_of
from t2t_mm.models.variables import counts_of, distinct


class ProblemModel(keras.Model):
    """One model for many problems: modality nets and command tokens around a body.

    Problems whose resolved specs are equal share a modality net, and problems of the same output
    space share a command token; the body is shared by all.

    Args:
        hparams: config.hparams.HParams.
        problems: resolved problems, or anything with `name`, `inputs`, `targets` (specs) and
            `command`.

    Call arguments:
        batch: dict of
            inputs: as the net of the inputs takes them, [batch, ...];
            inputs_mask: bool [batch, length], absent where nothing is padded (pictures);
            inputs/<field>, inputs/<field>_mask: in their place, each of several inputs; a mask of
                pictures is [batch, 1], false where there is none;
            targets: int32 [batch, target length]; [batch, 1] for classes; float32
                [batch, 1, values] for sets of labels and real numbers;
            targets_mask: bool [batch, target length].
        problem: name of the problem that the batch belongs to.
        training: dropout and gating noise on.

    Returns:
        Dict of
            logits: float32 [batch, target length, classes, pieces or what the loss takes];
            aux_loss: scalar, what is added to the loss: of mixtures of experts;
            alignment: of a CTC head (logits float32 [batch, positions, 1 + pieces], bool [batch,
                positions]: which are real); only where `is_aligned`;
            experts: {layer: {"importance": [experts], "load": [experts], "dropped": scalar}}, of
                the layers in `expert_places`; {} without experts.

    Attributes:
        hparams: as given.
        problems: {name: problem}, as given.
        nets: {name of a spec: modality net}.
        commands: {command: CommandToken}.
        markers: {field of several inputs: FieldMarker}.
        encoder: layer, (x [batch, length, hidden], mask, training) -> (encoding [batch, length,
            hidden], report on experts as above, with an "aux_loss" each); made by `make_body`.
        run_part: calls the parts of the model, `run_part(name, function, *tensors, **options)`, so
            that each is compiled once for all problems (execution.compiled.CompiledParts); None:
            they are called as they are.
        is_shared_out: whether it has experts that replicas share out (layers.shares).
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        keras.saving.register_keras_serializable(cls.__module__.partition(".")[0])(cls)

    def __init__(self, hparams: Any, problems: Iterable[Any], **kwargs: Any):
        super().__init__(**kwargs)
        self.hparams = hparams
        self.problems = {problem.name: problem for problem in problems}
        self.seed = Seeds(random.randrange(2**31))  # of Python's generator, as all initial values
        self.run_part: Callable | None = None
        self.nets: dict[str, keras.layers.Layer] = {}
        self.commands: dict[str, CommandToken] = {}
        self.markers: dict[str, FieldMarker] = {}
        for problem in self.problems.values():
            for field, spec in problem.inputs.fields.items():
                self._net(spec).build_bottom()
                if field and field not in self.markers:
                    self.markers[field] = FieldMarker(hparams.hidden_size, name=field)
                    self.markers[field].build()
            self._net(problem.targets).build_top()
            if self.is_aligned(problem.name):
                self._net(problem.targets).build_alignment()
            if problem.command not in self.commands:
                self.commands[problem.command] = CommandToken(
                    hparams.hidden_size, name=layer_name(problem.command)
                )
                self.commands[problem.command].build()
        self.make_body()
        self.is_shared_out = shares.is_shared_out(self)
        for layer in (self, *self.nets.values()):
            layer.built = True

    # -- what a subclass provides

    def make_body(self) -> None:
        """Makes and builds the layers of the body, `encoder` among them, from `hparams` and
        `seed`."""
        raise NotImplementedError

    @property
    def body_layers(self) -> list[keras.layers.Layer]:
        """The layers of the body, the encoder first."""
        raise NotImplementedError

    def body(
        self, previous: Any, mask: Any, encoding: Any, encoding_mask: Any, training: bool = False
    ) -> tuple[Any, dict]:
        """What follows the encoder.

        Args:
            previous: [batch, length, hidden], the outputs before each position, shifted right by
                the command token. Position t must not depend on any after t.
            mask: bool [batch, length], true at real positions.
            encoding, encoding_mask: [batch, source length, hidden] and bool [batch, source length].
            training: dropout and gating noise on.

        Returns:
            (hidden [batch, length, hidden], report on experts as that of `encoder`).
        """
        raise NotImplementedError

    def remember_source(self, encoding: Any, mask: Any) -> Any:
        """What all decoding steps read of an encoding: a nested structure of tensors, batch
        first."""
        raise NotImplementedError

    def start_body(self, batch: Any, beam: int, length: Any) -> Any:
        """The body's state before the first position, with room for `length`: a nested structure of
        tensors."""
        raise NotImplementedError

    def step_body(self, x: Any, memory: Any, mask: Any, position: Position, state: Any) -> tuple:
        """One position of `body`.

        Args:
            x: [rows, hidden], `beam` rows for each example.
            memory: from `remember_source`.
            mask: bool [batch, 1, 1, source length].
            position: layers.incremental.Position.
            state: from `start_body`, as of the last position.

        Returns:
            (hidden [rows, hidden], state).
        """
        raise NotImplementedError

    @property
    def attention_places(self) -> list[str]:
        """Names of the attentions to the source, for explanations, in the order of a call."""
        return []

    @property
    def expert_places(self) -> list[str]:
        """Names of the mixtures of experts, in the order of a call; keys of "experts" there."""
        return []

    # -- whole sequences

    def call(self, batch: dict[str, Any], problem: str, training: bool = False) -> dict[str, Any]:
        sides = self.problems[problem]
        encoding, mask, grid, info = self._encode(sides, batch, training)
        if self._is_shortcut(sides):
            hidden, out_mask = encoding, mask
        else:
            hidden, out_mask, more = self._decode(sides, batch, encoding, mask, training)
            info, grid = info | more, None if sides.targets.is_sequence else grid
        target = sides.targets.net_name()
        top = self.nets[target].top
        logits = self.run(f"{target}_top", top, hidden, out_mask, grid, training=training)
        head = {}
        if self.is_aligned(problem):
            alignment = self.nets[target].alignment
            head["alignment"] = self.run(f"{target}_alignment", alignment, encoding), mask
        return head | {
            "logits": logits,
            "aux_loss": sum((i["aux_loss"] for i in info.values()), ops.zeros((), "float32")),
            "experts": {
                name: {k: v for k, v in i.items() if k != "aux_loss"}
                for name, i in info.items()
                if name in self.expert_places  # a dense layer in their place reports nothing
            },
        }

    def _net(self, spec: Any) -> keras.layers.Layer:
        """The net of a resolved spec; equal specs get the same one."""
        name = spec.net_name()
        if name not in self.nets:
            self.nets[name] = spec.net(self.hparams)
        return self.nets[name]

    def run(self, name: str, function: Callable, *tensors: Any, **options: Any) -> Any:
        """Calls a part of the model, or has `run_part` call it."""
        if self.run_part is None:
            return function(*tensors, **options)
        return self.run_part(name, function, *tensors, **options)

    def run_body(self, name: str, function: Callable, *tensors: Any, **options: Any) -> Any:
        """As `run`, a part that may hold experts. Where these are shared out over replicas, it is
        no part but calls parts, those of `layers.parts.run`."""
        if not self.is_shared_out:
            return self.run(name, function, *tensors, **options)
        with parts.one_by_one(self.run_part):
            return function(*tensors, **options)

    def is_aligned(self, problem: str) -> bool:
        """Whether a CTC head reads the targets of a problem, by name, off its encoding, too."""
        sides = self.problems[problem]
        return sides.inputs.is_aligned(sides.targets, self.hparams)

    def _is_shortcut(self, sides: Any) -> bool:
        """Whether the target is read off the encoder, as Tensor2Tensor did for classes."""
        return not sides.targets.is_sequence and self.hparams.categorical_path == "encoder"

    def _encode(self, sides: Any, batch: dict[str, Any], training: bool) -> tuple:
        """(encoding [batch, length, hidden], its mask, grid of a picture or None, report)."""
        x, mask, grid = read_inputs(self, sides, batch, training)
        if grid is not None and "targets_mask" in batch:
            # a picture without a target fills up a batch: padding
            mask = mask & ops.any(batch["targets_mask"], axis=1, keepdims=True)
        encoding, info = self.run_body("encoder", self.encoder, x, mask, training=training)
        return encoding, mask, grid, info

    def _decode(
        self, sides: Any, batch: dict[str, Any], encoding: Any, mask: Any, training: bool
    ) -> tuple:
        """The body behind the encoder: (hidden [batch, positions, hidden], their mask, report)."""
        command = self.commands[sides.command]
        if not sides.targets.is_sequence:
            # There are no previous outputs: the body reads the encoding in their place, command
            # token first.
            previous, positions = command.prepend(encoding), with_command(mask)
            hidden, info = self.run_body(
                "body", self.body, previous, positions, encoding, mask, training=training
            )
            return hidden[:, 1:], mask, info
        target, valid = sides.targets.net_name(), batch["targets_mask"]
        embedded = self.run(f"{target}_embed", self.nets[target].embed, batch["targets"])
        previous = command.prepend(embedded[:, :-1])  # shifted right
        hidden, info = self.run_body(
            "body", self.body, previous, valid, encoding, mask, training=training
        )
        return hidden, valid, info

    # -- one position at a time

    def remember(self, batch: dict[str, Any], problem: str) -> dict[str, Any]:
        """What decoding reads of the inputs, computed once: the first of three functions of
        incremental decoding.

            memory = model.remember(batch, problem)
            state = model.start(memory, beam, length)
            for time in range(length):
                logits, state = model.step(ids, time, memory, state, problem)
                # then the next ids from the logits

        Equals the whole model, position by position, when it is fed the same targets.

        Args:
            batch: `inputs`, and `inputs_mask` where there is one, as in a call.
            problem: its name.

        Returns:
            A nested structure of tensors; "mask", bool [batch, 1, 1, source length], says which
            positions of the encoding are real.

        Raises:
            ValueError: the problem's targets are no sequence.
        """
        sides = self.problems[problem]
        if not sides.targets.is_sequence:
            raise ValueError(
                f"The targets of {problem} are classes: call the model; there is nothing to decode"
            )
        encoding, mask, _, _ = self._encode(sides, batch, training=False)
        return {
            "mask": mask[:, None, None],
            "projection": self.nets[sides.targets.net_name()].projection(),
            "body": self.remember_source(encoding, mask),
        }

    def start(self, memory: dict[str, Any], beam: int, length: Any) -> dict[str, Any]:
        """The state before the first position: a nested structure of tensors.

        Args:
            memory: from `remember`.
            beam: hypotheses of each example, an int; row b * beam + i is the i-th of example b.
            length: positions that there is to be room for, an int or a tensor.
        """
        batch = kernels.size(memory["mask"], 0)
        return {
            "lineage": first_lineage(batch * beam, length),
            "body": self.start_body(batch, beam, length),
        }

    def step(
        self,
        ids: Any,
        time: Any,
        memory: dict[str, Any],
        state: dict[str, Any],
        problem: str,
        beam: int = 1,
    ) -> tuple[Any, dict[str, Any]]:
        """One position of decoding.

        Args:
            ids: int32 [rows], the outputs at the last position; without effect at the first.
            time: int32 scalar, the position, from 0.
            memory, state: from `remember` and `start`, the state as of the last position. It can't
                be used again: the next state may be written into its memory.
            problem: its name.
            beam: as for `start`.

        Returns:
            logits float32 [rows, pieces], state.
        """
        sides = self.problems[problem]
        net, command = self.nets[sides.targets.net_name()], self.commands[sides.command]
        position = Position(time, state["lineage"], beam)
        x = net.embed(ids)  # [rows, hidden]
        x = ops.where(time == 0, ops.cast(command.token, x.dtype), x)
        x, body = self.step_body(x, memory["body"], memory["mask"], position, state["body"])
        logits = net.project(x, memory["projection"])
        return logits, {"lineage": position.lineage, "body": body}

    def reorder(self, state: dict[str, Any], rows: Any) -> dict[str, Any]:
        """The state in which row i continues row `rows[i]` of the same example; rows int32
        [rows]."""
        return state | {"lineage": kernels.gather(state["lineage"], rows)}

    # -- parameters

    def parts_of(self, problem: str) -> list[list[keras.Variable]]:
        """The trainable variables of each part that a problem, by name, runs through."""
        sides = self.problems[problem]
        fields, target = sides.inputs.fields, self._net(sides.targets)
        nets = [self._net(spec).bottom_variables() for spec in fields.values()]
        nets.append(target.top_variables())
        if self.is_aligned(problem):
            nets.append(target.alignment_variables())
        nets = distinct(nets) + [
            self.markers[field].trainable_variables for field in fields if field
        ]
        if self._is_shortcut(sides):
            return [*nets, self.encoder.trainable_variables]
        body = [v for layer in self.body_layers for v in layer.trainable_variables]
        return [*nets, self.commands[sides.command].trainable_variables, body]

    def variables_of(self, problem: str) -> list[keras.Variable]:
        """The trainable variables on a problem's path; no other is touched when it trains."""
        return [variable for part in self.parts_of(problem) for variable in part]

    def parameter_counts(self) -> dict[str, int]:
        """Number of parameters of each part: {net name or "command tokens" or "body": number}."""
        return counts_of(self)

    # -- as Keras has models

    def for_problem(self, name: str) -> SingleProblem:
        """One problem as a plain Keras model, which `fit` and `export` take; it shares the
        weights."""
        if name not in self.problems:
            raise ValueError(f"the model's problems are {', '.join(self.problems)}, not {name!r}")
        return SingleProblem(self, name)

    def get_config(self) -> dict[str, Any]:
        shares.check_whole(self)
        sides = [sides_config(problem) for problem in self.problems.values()]
        return super().get_config() | {"hparams": self.hparams.to_dict(), "problems": sides}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "ProblemModel":
        """The model, with weights of its own; its problems are `Sides`."""
        problems = [sides_of(each) for each in config["problems"]]
        policy = keras.config.dtype_policy()
        # layers take the global policy
        keras.config.set_dtype_policy(keras.dtype_policies.deserialize(config["dtype"]))
        try:
            return cls(hparams_of(config["hparams"]), problems, name=config.get("name"))
        finally:
            keras.config.set_dtype_policy(policy)
