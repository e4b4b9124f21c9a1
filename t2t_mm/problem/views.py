"""`_rev` and `_copy`: a problem that reads the data of another, with its sides put elsewhere."""

import copy
import os
from collections.abc import Iterable
from typing import Any

from t2t_mm.errors import UserError
from t2t_mm.modalities.base import Modality
from t2t_mm.problem.cells import SIDES
from t2t_mm.problem.hooks import Hooks
from t2t_mm.problem.stored import Records


class Modifiable(Hooks):
    """What `_rev` and `_copy` can be made of: a problem, or what one of them has made.

    Attributes:
        name: the registered name.
        command, input_command: the output spaces of targets and inputs.
        metrics: names of metrics of decoded text.
        modifiers: which of "rev" and "copy" make sense.
    """

    name: str
    command: str
    input_command: str
    metrics: tuple[str, ...]
    modifiers: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<{self.name or type(self).__name__}: {self.inputs} -> {self.targets}>"

    def reversed(self) -> "View":
        """The problem the other way round (`name_rev`): modalities and vocabularies go with their
        sides.

        Raises:
            UserError: the problem does not allow it, or its modalities don't.
        """
        self._allow("rev")
        if not (self.targets.as_input and self.inputs.as_target):
            raise UserError(
                f"{self.name}_rev is not possible: {self.targets.kind} can't be an input, or "
                f"{self.inputs.kind} can't be a target."
            )
        return View(self, "_rev", ("targets", "inputs"))

    def copied(self) -> "View":
        """Inputs to inputs (`name_copy`), an autoencoder.

        Raises:
            UserError: the problem does not allow it, or its modality doesn't.
        """
        self._allow("copy")
        if not self.inputs.as_target:
            raise UserError(
                f"{self.name}_copy is not possible: {self.inputs.kind} can't be a target."
            )
        return View(self, "_copy", ("inputs", "inputs"))

    def _allow(self, modifier: str) -> None:
        if modifier not in self.modifiers:
            raise UserError(
                f"{self.name} does not allow _{modifier}"
                f"{', only _' + ' and _'.join(self.modifiers) if self.modifiers else ''}."
            )


class View(Modifiable):
    """What `_rev` and `_copy` give.

    What is not said here is the other problem's: its data, its splits, its source. Its hooks serve
    the sides that they were written for; its `postprocess` does not, as its targets are not ours.

    Args:
        base: the other problem.
        suffix: what is added to its name.
        sides: which of its sides, "inputs" or "targets", are our inputs and our targets.
    """

    def __init__(self, base: Modifiable, suffix: str, sides: tuple[str, str]):
        self.base: Any = base
        self.suffix, self.sides = suffix, sides
        self.name = base.name + suffix
        spaces = {"inputs": base.input_command or f"to-{base.name}-inputs", "targets": base.command}
        self.input_command, self.command = (spaces[side] for side in sides)
        # a metric of translations holds both ways; one of trees says nothing about sentences
        self.metrics = base.metrics if base.inputs == base.targets else ()
        self.inputs, self.targets = (getattr(base, side) for side in sides)

    def __getattr__(self, name: str) -> Any:
        if name == "base" or name.startswith("__"):  # while a copy is being made
            raise AttributeError(name)
        return getattr(self.base, name)

    @property
    def description(self) -> str:
        """That of the other problem, and what was done to it."""
        how = {"_rev": "reversed", "_copy": "copying the inputs"}[self.suffix]
        return f"{self.base.description} ({how})"

    def _of(self, base: Any) -> "View":
        """The same view of another copy of the problem."""
        view = copy.copy(self)
        view.base = base
        view.inputs, view.targets = (getattr(base, side) for side in self.sides)
        return view

    def configure(self, hparams: Any) -> "View":
        """A copy as `hparams` want it; see Problem.configure."""
        return self._of(self.base.configure(hparams))

    def located(self, data_dir: str | os.PathLike) -> "View":
        """A copy that reads the data prepared under `data_dir`; see Problem.located."""
        return self._of(self.base.located(data_dir))

    def resolve(self, data_dir: str | os.PathLike, hparams: Any = None) -> "View":
        """A copy with the sizes of the prepared data; see Problem.resolve."""
        return self._of(self.base.resolve(data_dir, hparams))

    def first(self, count: int) -> "View":
        """A copy that trains on the first `count` examples alone; see Problem.first."""
        return self._of(self.base.first(count))

    def with_sides(self, inputs: Modality, targets: Modality) -> "View":
        """A copy with other modalities; see Problem.with_sides."""
        theirs = dict(zip(self.sides, (inputs, targets), strict=True))
        sides = (theirs.get(side, getattr(self.base, side)) for side in SIDES)
        return self._of(self.base.with_sides(*sides))

    def findings(self) -> dict[str, Any]:
        return self.base.findings()

    def with_findings(self, values: dict[str, Any]) -> "View":
        """A copy with what a run has kept; see Hooks.with_findings."""
        base = self.base.with_findings(values)
        view = copy.copy(self)
        view.base = base
        return view

    def stored_side(self, side: str) -> str:
        """Where a side comes from; see Problem.stored_side."""
        return self.base.stored_side(self._theirs(side))

    def examples(
        self, split: str, *, shuffle_seed: int | None = None, sides: Iterable[str] = SIDES
    ) -> Any:
        """The raw examples of a split; see Problem.examples."""
        theirs = {side: self._theirs(side) for side in sides}
        data = self.base.examples(split, shuffle_seed=shuffle_seed, sides=set(theirs.values()))
        return data.map(lambda example: {side: example[theirs[side]] for side in theirs})

    def records(self, split: str, sides: Iterable[str] = SIDES) -> Records:
        """The same examples as records in files; see Problem.records."""
        theirs = {side: self._theirs(side) for side in sides}
        records = self.base.records(split, set(theirs.values()))
        return records.then(lambda example: {side: example[theirs[side]] for side in theirs})

    def preprocess(self, value: Any) -> Any:
        return self.base.preprocess(value) if self._theirs("inputs") == "inputs" else value

    def encode_inputs(self, value: Any, training: bool = False, seed: Any = None) -> Any:
        return self._encode("inputs", value, training, seed)

    def encode_targets(self, value: Any, training: bool = False, seed: Any = None) -> Any:
        return self._encode("targets", value, training, seed)

    def _encode(self, side, value, training, seed):
        is_input = self._theirs(side) == "inputs"
        encode = self.base.encode_inputs if is_input else self.base.encode_targets
        return encode(value, training, seed)

    def _theirs(self, side: str) -> str:
        """Which side of the other problem a side of ours is."""
        return self.sides[SIDES.index(side)]
