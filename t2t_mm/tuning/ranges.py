"""What is searched: for each hyperparameter all values between two, or some, or one.

    learning_rate=1e-4..1e-1     a range; whole numbers where the field is one
    batch_size=lin:256..4096     drawn evenly; log: draws evenly in the logarithm, which is also
                                 what a range means that spans more than a factor of 10 from above 0
    dropout=0|0.1|0.3            choices
    moe_experts=8                fixed, in all trials

In Python, as a registered range has it:

    {"learning_rate": Range(1e-4, 1e-1), "dropout": [0.0, 0.1, 0.3], "moe_experts": 8}

Every name and value is checked against the fields of the hyperparameters. Nothing heavy here.
"""

import dataclasses
import math
import random
from collections.abc import Mapping
from typing import Any

from t2t_mm import registry
from t2t_mm.config import hparams_files
from t2t_mm.config.fields import Field
from t2t_mm.config.hparams import HParams
from t2t_mm.errors import UserError

WIDE = 10  # a range that spans a larger factor is searched in the logarithm
_SCALES = {"log": True, "lin": False}


@dataclasses.dataclass(frozen=True)
class Range:
    """All values from `low` to `high`, both included; of a field of whole numbers, those alone.

    Args:
        low, high: the ends.
        log: whether values are drawn evenly in their logarithm; None: if the range spans more than
            a factor of 10 and starts above 0.
    """

    low: float
    high: float
    log: bool | None = None

    @property
    def is_log(self) -> bool:
        """Whether values are drawn evenly in their logarithm."""
        return self.low > 0 and self.high > WIDE * self.low if self.log is None else self.log

    def contains(self, value: Any) -> bool:
        """Whether a value of the field is one of these."""
        return self.low <= value <= self.high

    def draw(self, rng: random.Random) -> Any:
        """A value at random."""
        ends = (self.low, self.high)
        value = math.exp(rng.uniform(*map(math.log, ends))) if self.is_log else rng.uniform(*ends)
        value = min(max(value, self.low), self.high)  # the logarithm rounds
        return round(value) if isinstance(self.low, int) else value

    def __str__(self) -> str:
        automatic = dataclasses.replace(self, log=None).is_log == self.is_log
        scale = "" if automatic else "log:" if self.is_log else "lin:"
        return f"{scale}{self.low}..{self.high}"


@dataclasses.dataclass(frozen=True)
class Choices:
    """Some values of a field, at least two."""

    values: tuple[Any, ...]

    def contains(self, value: Any) -> bool:
        """Whether a value of the field is one of these."""
        return value in self.values

    def draw(self, rng: random.Random) -> Any:
        """A value at random."""
        return rng.choice(self.values)

    def __str__(self) -> str:
        return "|".join(map(str, self.values))


@dataclasses.dataclass(frozen=True)
class Space:
    """What is searched.

    Attributes:
        searched: {field: its values}.
        fixed: {field: value} in all trials.
    """

    searched: Mapping[str, Range | Choices]
    fixed: Mapping[str, Any]

    def __str__(self) -> str:
        """As --range has it."""
        return ",".join(
            f"{name}={value}" for name, value in {**self.searched, **self.fixed}.items()
        )


def read(text: str, cls: type[HParams] = HParams) -> Space:
    """The value of --range: a registered range by name, or one as above.

    Args:
        text: the value of the flag.
        cls: the class of the hyperparameters.

    Raises:
        UserError: a field or value is wrong, or there is nothing to search.
        RegistryError: there is no range of that name.
    """
    if "=" not in text:
        return checked(registry.ranged_hparams(text), f"range '{text}'", cls)
    given: dict[str, Any] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise UserError(
                f"--range: expected name=values,name=values, but '{part}' has no '='; choices are "
                "joined with |, as in dropout=0|0.1"
            )
        if name in given:
            raise UserError(f"--range: {name} is given twice; give it once")
        given[name] = _parsed(cls.field_named(name), value)
    return checked(given, "--range", cls)


def checked(given: Mapping[str, Any], where: str, cls: type[HParams] = HParams) -> Space:
    """The space that a range in Python stands for, its values in the types of the fields.

    Args:
        given: {field: Range, list of choices, or a value}.
        where: what errors call it.
        cls: the class of the hyperparameters.

    Raises:
        UserError: a field or value is wrong, or there is nothing to search.
        RegistryError: an optimizer or schedule is not registered.
    """
    if not isinstance(given, Mapping):
        raise UserError(f"{where}: expected {{field: values}}, not {given!r:.100}")
    searched: dict[str, Range | Choices] = {}
    fixed: dict[str, Any] = {}
    for name, values in given.items():
        try:
            found = _dimension(cls.field_named(name), values)
        except (UserError, ValueError) as error:
            raise UserError(f"{where}: {error}") from None
        if isinstance(found, Range) or len(found.values) > 1:
            searched[name] = found
        else:
            (fixed[name],) = found.values
    if not searched:
        raise UserError(
            f"{where}: nothing is searched; give a range, learning_rate=1e-4..1e-1, or choices, "
            "dropout=0|0.1"
        )
    return Space(searched, fixed)


def _parsed(field: Field, text: str) -> Any:
    """Text of the grammar -> what a range in Python has in its place."""
    scale, colon, ends = text.partition(":")
    is_scaled = bool(colon) and scale in _SCALES
    if field.type in (int, float) and (".." in text or is_scaled):
        low, _, high = (ends if is_scaled else text).partition("..")
        if high.startswith("."):
            raise ValueError(f"{field.name}={text}: a range has two dots, low..high")
        log = _SCALES[scale] if is_scaled else None
        return Range(field.parsed(low.strip()), field.parsed(high.strip()), log)
    return [field.parsed(each.strip()) for each in text.split("|")]


def _dimension(field: Field, given: Any) -> Range | Choices:
    """Ranges and choices in the field's type; a ValueError for what is none of its values."""
    if isinstance(given, Range):
        return _range(field, given)
    if isinstance(given, tuple):
        raise ValueError(f"{field.name} is {given}: write a list of choices, or Range(low, high)")
    values = [field.checked(each) for each in (given if isinstance(given, list) else [given])]
    if not values or any(value in values[:i] for i, value in enumerate(values)):
        raise ValueError(f"{field.name} has choices {values}: give at least one, each once")
    for value in values:
        if field.name in hparams_files.REGISTERED:
            registry.find(field.name, value)
        if isinstance(value, str) and "," in value:
            raise ValueError(f"{field.name}={value} can't be searched: it holds a comma")
    return Choices(tuple(values))


def _range(field: Field, given: Range) -> Range:
    shown = f"{field.name}={given.low}..{given.high}"
    if field.type not in (int, float) or field.choices:
        raise ValueError(
            f"{shown} is no range: {field.name} is {field.wanted}; join choices with |"
        )
    found = Range(field.checked(given.low), field.checked(given.high), given.log)
    if found.low >= found.high:
        raise ValueError(f"{shown} is empty: the lower end comes first")
    if found.is_log and found.low <= 0:
        raise ValueError(f"{shown}: only a range that starts above 0 has a logarithm")
    return found
