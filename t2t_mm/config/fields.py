"""Dataclasses whose fields are documented, typed and bounded: hyperparameters, options of a run.

    @dataclasses.dataclass(frozen=True)
    class Options(Fields):
        title = "options"
        steps: int = field(1000, "steps of the whole run", low=1)

    Options(steps=0)                             # UserError: options: steps is an int of at least 1
    Options(**Options.parse("steps=20", "--options"))

Whatever goes wrong with a field (no such name, wrong type, out of range) is a UserError that says
what was expected.
"""

import dataclasses
import difflib
import functools
import math
import numbers
import typing
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from t2t_mm.errors import UserError

if TYPE_CHECKING:
    from typing_extensions import Self  # of the standard library from Python 3.11 on

STRINGS = tuple[str, ...]
INTS_BELOW = 2**63  # where a field has no limit of its own
SWITCH = bool | str  # true, false or a word: one of the field's choices
TYPES: dict[Any, str] = {
    int: "an int",
    float: "a float",
    bool: "true or false",
    str: "a string",
    STRINGS: "several strings",
    SWITCH: "true, false or a word",
}


def field(
    default: Any,
    doc: str,
    *,
    choices: Iterable[Any] = (),
    low: float | None = None,
    below: float | None = None,
    **more: Any,
) -> Any:
    """A field of a `Fields` dataclass, with its documentation and what it may hold.

    Args:
        default: an int, a float, a bool, a str or a tuple of str.
        doc: what it means, with its unit.
        choices: the values it may have.
        low, below: low <= value < below; a float is finite in any case.
        more: what else is to be known about it, kept as `Field.more`.
    """
    limits = {"doc": doc, "choices": tuple(choices), "low": low, "below": below, "more": more}
    return dataclasses.field(default=default, metadata=limits)


@dataclasses.dataclass(frozen=True)
class Field:
    """What is known about one field."""

    name: str
    type: type
    default: Any
    doc: str = ""
    choices: tuple = ()
    low: float | None = None
    below: float | None = None
    more: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def meaning(self) -> str:
        """Documentation and choices: "what the feed-forward layer is [experts | dense]"."""
        return self.doc + (f" [{' | '.join(map(str, self.choices))}]" if self.choices else "")

    @property
    def wanted(self) -> str:
        """What it may hold: "one of body, encoder"; "an int of at least 1"."""
        if self.choices:
            return f"one of {', '.join(map(str, self.choices))}"
        limits = [] if self.low is None else [f"of at least {self.low}"]
        limits += [] if self.below is None else [f"below {self.below}"]
        return " ".join([TYPES[self.type], " and ".join(limits)]).rstrip()

    def parsed(self, text: str) -> Any:
        """Text -> a value of the field's type, or the text where it is none (`checked` says so)."""
        if self.type in (bool, SWITCH):
            return {"true": True, "false": False}.get(text.lower(), text)
        if self.type == STRINGS:
            return (text,)
        try:
            return self.type(text)
        except ValueError:
            return text

    def checked(self, value: Any) -> Any:
        """The value in the field's type. ValueError if it isn't of that type, or out of range."""
        value = self._number(value) if self.type in (int, float) else value
        if self.type == STRINGS and isinstance(value, list | tuple):
            good = all(isinstance(each, str) for each in value)
            value = tuple(value)  # JSON has lists
        elif self.type == SWITCH:
            good = any(type(value) is type(each) and value == each for each in self.choices)
        else:
            good = type(value) is self.type and (not self.choices or value in self.choices)
        if not (good and self._is_in_range(value)):
            doc, shown = f" ({self.doc})" if self.doc else "", repr(value)
            shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
            raise ValueError(f"{self.name} is {self.wanted}{doc}, not {shown}")
        return value

    def _number(self, value: Any) -> Any:
        """NumPy's numbers, and an int where a float is wanted, in the field's type; the rest as it
        is."""
        kind: Any = numbers.Integral if self.type is int else numbers.Real
        if isinstance(value, bool) or not isinstance(value, kind):
            return value
        try:
            return self.type(value)
        except OverflowError:  # no float is as large
            return math.inf

    def _is_in_range(self, value: Any) -> bool:
        if self.type not in (int, float):
            return True
        most = INTS_BELOW if self.type is int else math.inf
        low = -most if self.low is None else self.low
        return abs(value) < most and low <= value < (most if self.below is None else self.below)


@dataclasses.dataclass(frozen=True)
class Fields:
    """A frozen dataclass of checked fields; `replace` makes a changed copy."""

    title: ClassVar[str] = "fields"  # what errors call the whole

    def __post_init__(self) -> None:
        for each in self.fields().values():
            object.__setattr__(self, each.name, self._checked(each, getattr(self, each.name)))

    @classmethod
    def _checked(cls, found: Field, value: Any) -> Any:
        try:
            return found.checked(value)
        except ValueError as error:
            raise UserError(f"{cls.title}: {error}") from None

    @classmethod
    def fields(cls) -> dict[str, Field]:
        """{name: Field}, in the order of the class."""
        return _fields(cls)  # type: ignore[arg-type]  # classes can be hashed

    @classmethod
    def field_named(cls, name: str) -> Field:
        """The field of that name; a UserError with the nearest names if there is none."""
        fields = cls.fields()
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=3)
            hint = f"the fields are {', '.join(fields)}"
            hint = f"did you mean {' or '.join(near)}?" if near else hint
            raise UserError(f"{cls.title}: there is no field '{name}'; {hint}")
        return fields[name]

    @classmethod
    def parse(cls, text: str, flag: str) -> dict[str, Any]:
        """ "hidden_size=256,dropout=0.2" -> {"hidden_size": 256, "dropout": 0.2}.

        Args:
            text: the value of a flag.
            flag: the flag's name, for errors.

        Raises UserError for an unknown field, one given twice, and text that is no value of the
        field's type.
        """
        values: dict[str, Any] = {}
        for part in filter(None, map(str.strip, text.split(","))):
            name, equals, value = (piece.strip() for piece in part.partition("="))
            if not equals:
                raise UserError(f"{flag}: expected name=value,name=value, but '{part}' has no '='")
            found = cls.field_named(name)
            if name in values:
                raise UserError(f"{flag}: {name} is given twice; give it once")
            values[name] = cls._checked(found, found.parsed(value))
        return values

    def replace(self, /, **values: Any) -> "Self":
        """A copy with some fields changed. UserError for an unknown field or an unfit value."""
        for name in values:
            self.field_named(name)
        return dataclasses.replace(self, **values)

    def to_dict(self) -> dict[str, Any]:
        """{field: value}, in the order of the class."""
        return {name: getattr(self, name) for name in self.fields()}

    def diff(self, other: "Fields") -> dict[str, tuple[Any, Any]]:
        """{field: (own value, the other's)} where they differ; None where one hasn't the field."""
        mine, theirs = self.to_dict(), other.to_dict()
        pairs = {name: (mine.get(name), theirs.get(name)) for name in {**mine, **theirs}}
        return {name: (own, its) for name, (own, its) in pairs.items() if own != its}

    def describe(self) -> str:
        """One aligned line for each field: name, value, meaning and choices."""
        rows = [(f.name, repr(getattr(self, f.name)), f.meaning) for f in self.fields().values()]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        return "\n".join(
            f"{name:{widths[0]}}  {value:{widths[1]}}  {doc}" for name, value, doc in rows
        )


@functools.cache
def _fields(cls: type[Fields]) -> dict[str, Field]:
    hints = typing.get_type_hints(cls)  # a file may postpone the evaluation of annotations
    found = {}
    for each in dataclasses.fields(cls):
        if hints[each.name] not in TYPES:
            raise TypeError(
                f"{cls.__name__}.{each.name}: a field is an int, float, bool, str or strings"
            )
        found[each.name] = Field(each.name, hints[each.name], each.default, **each.metadata)
    return found
