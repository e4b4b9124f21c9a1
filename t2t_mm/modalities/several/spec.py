"""Several inputs of one problem, each with a name and a modality of its own."""

import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypedDict

import numpy as np

from t2t_mm import records, registry
from t2t_mm.errors import UserError
from t2t_mm.modalities import recorded
from t2t_mm.modalities.base import Modality
from t2t_mm.modalities.fields import GIVEN

RESERVED = ("inputs", "targets", "prefixes")  # what exports call other things


class _Field(TypedDict):
    kind: str


@registry.register_modality
@dataclasses.dataclass(frozen=True)
class Several(Modality):
    """Several inputs: a dict as the `inputs` of a problem. Each is read by the net of its own
    modality; the body is given them one behind the other.

    Raw: {field: raw}, and for a field that may be absent {field_is_given: bool}; one that is absent
    has the modality's sample in its place. Encoded: {field: {"value": as its modality encodes it,
    "mask": bool [length], or bool [1] where all are equally long}}.

    Attributes:
        members: (field, its spec) pairs.
        optional: the fields that an example may lack.
    """

    kind: ClassVar[str] = "several"
    members: tuple[tuple[str, Modality], ...] = ()
    optional: tuple[str, ...] = ()

    def check(self) -> None:
        for name in self.fields:
            if not name.isidentifier() or name in RESERVED or name.endswith(("_mask", GIVEN)):
                raise UserError(
                    f"{name!r} can't be the name of an input: a word of letters, digits and _ can, "
                    f"other than {', '.join(RESERVED)}."
                )
        if unknown := set(self.optional) - set(self.fields):
            raise UserError(
                f"optional_inputs: there is no input {', '.join(sorted(unknown))}, only "
                f"{', '.join(self.fields)}."
            )
        if len(self.optional) == len(self.members):
            raise UserError("optional_inputs: at least one of the inputs has to be there always.")

    @property
    def fields(self) -> dict[str, Modality]:
        return dict(self.members)

    @property
    def prompt(self) -> str:
        fields = ", ".join(f'"{name}": {spec.prompt}' for name, spec in self.members)
        return f"a JSON object {{{fields}}}"

    @property
    def reading_cost(self) -> int:
        return max(spec.reading_cost for spec in self.fields.values())

    @property
    def shuffle_buffer(self) -> int:
        return min(spec.shuffle_buffer for spec in self.fields.values())

    @property
    def slow_to_encode(self) -> bool:
        return any(spec.slow_to_encode for spec in self.fields.values())

    def net_name(self) -> str:
        return "several_" + "_".join(self.fields)

    def _each(self, change: Callable[[str, Modality], Modality]) -> "Several":
        """The spec with the specs of its fields changed."""
        members = tuple((name, change(name, spec)) for name, spec in self.members)
        return dataclasses.replace(self, members=members)

    def configure(self, hparams: Any) -> "Several":
        return self._each(lambda name, spec: spec.configure(hparams))

    def resolve(self, data_dir: str | os.PathLike, stored: Any = None) -> "Several":
        return self._each(lambda name, spec: spec.resolve(data_dir, stored[name]))

    def expected(self) -> "Several":
        return self._each(lambda name, spec: spec.expected())

    def learn(self, values: Callable[[], Iterable[Any]]) -> "Several":
        return self._each(
            lambda name, spec: spec.learn(lambda: (value[name] for value in values()))
        )

    # -- the pipeline

    def encode(self, value: Any, training: bool = False, seed: Any = None) -> Any:
        import tensorflow as tf

        encoded = {}
        for name, spec in self.members:
            found, given = spec.encode(value[name], training, seed), value.get(name + GIVEN, True)
            length = 1
            if spec.masked:  # of one that is absent a position is left, masked
                found = found[: tf.where(given, tf.shape(found)[0], 1)]
                length = tf.shape(found)[0]
            encoded[name] = {"value": found, "mask": tf.fill([length], tf.convert_to_tensor(given))}
        return encoded

    def in_batch(self, encoded: Any) -> dict[str, Any]:
        values = {f"inputs/{name}": each["value"] for name, each in encoded.items()}
        return values | {f"inputs/{name}_mask": each["mask"] for name, each in encoded.items()}

    def static_lengths(self, positions: Any) -> dict[str, Any]:
        lengths = {f"inputs/{name}": spec.padded_length(positions) for name, spec in self.members}
        return lengths | {f"{name}_mask": length for name, length in lengths.items()}

    def positions(self, encoded: Any) -> Any:
        return sum(spec.positions(encoded[name]["value"]) for name, spec in self.members)

    def fixed_positions(self) -> int:
        return sum(spec.fixed_positions() for spec in self.fields.values())

    # -- inputs as a person gives them

    def read(self, value: Any) -> dict[str, Any]:
        """{field: a value as its modality takes it}, or that as JSON.

        Raises:
            UserError: a field is unknown or missing, or can't be read.
        """
        value = self._as_dict(value)
        if unknown := [name for name in value if name not in self.fields]:
            raise UserError(
                f"there is no input {str(unknown[0])[:40]!r}, only {', '.join(self.fields)}"
            )
        raw: dict[str, Any] = {}
        for name, spec in self.members:
            given = value.get(name) is not None
            if not given and name not in self.optional:
                raise UserError(f"the input {name!r} is missing, beside {', '.join(value)}")
            if name in self.optional:
                raw[name + GIVEN] = given
            try:
                raw[name] = spec.read(value[name]) if given else spec.blank()
            except (UserError, OSError, ValueError, TypeError) as error:
                raise UserError(f"{name}: {error}") from error
        return raw

    def _as_dict(self, value: Any) -> Mapping[str, Any]:
        if isinstance(value, str | bytes):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError) as error:
                raise UserError(f"{self.prompt} is expected, and this is no JSON") from error
        if not isinstance(value, Mapping):
            raise UserError(f"{self.prompt} is expected, not {type(value).__name__}")
        return value

    def told(self, value: Any) -> dict[str, Any]:
        there = {name: bool(value.get(name + GIVEN, True)) for name in self.fields}
        return {name: spec.told(value[name]) for name, spec in self.members if there[name]}

    def shown(self, value: Any) -> str:
        texts = {name: self.fields[name].shown(each) for name, each in value.items()}
        return ", ".join(f"{name}: {text}" for name, text in texts.items() if text)

    def sent_as(self, value: dict[str, Any]) -> dict[str, bytes]:
        return {
            name: spec.sent(value[name]) if value.get(name + GIVEN, True) else b""
            for name, spec in self.members
        }

    def received(self, contents: dict[str, Any]) -> Any:
        import tensorflow as tf

        raw = {}
        with tf.init_scope():  # making one runs operations
            samples = self.samples()
        for name, spec in self.members:
            content = contents[name]
            if name in self.optional:
                raw[name + GIVEN] = given = content != ""
                content = tf.where(given, content, samples[name])
            raw[name] = spec.read_in_graph(content)
        return raw

    def samples(self) -> dict[str, bytes]:
        return {name: spec.sample() for name, spec in self.members}

    def resources(self) -> list:
        return [each for spec in self.fields.values() for each in spec.resources()]

    # -- to look at

    def describe(self, value: Any) -> list[str]:
        lines = [", ".join(told := self.told(value))]
        for name in told:
            first, *more = self.fields[name].describe(value[name])
            lines += [f"{name}: {first}", *(f"  {line}" for line in more)]
        return lines

    def picture(self, encoded: Any) -> Any:
        found = (spec.picture(encoded[name]["value"]) for name, spec in self.members)
        return next((picture for picture in found if picture is not None), None)

    def sound(self, value: dict[str, Any]) -> bytes | None:
        found = (spec.sound(value[name]) for name, spec in self.members if name in value)
        return next((sound for sound in found if sound is not None), None)

    def position_labels(self, encoded: Any, count: int | None = None) -> list[str]:
        labels = []  # absent ones stand behind the others
        for name, spec in self.members:
            value = np.asarray(encoded[name]["value"])
            if np.asarray(encoded[name]["mask"]).all():
                labels += spec.position_labels(value, int(spec.positions(value)))
        return labels + [""] * ((count or len(labels)) - len(labels))

    # -- records

    def record(self) -> dict[str, Any]:
        return self._as_json(lambda spec: spec.record())

    def _as_json(self, of_field: Callable[[Modality], dict]) -> dict[str, Any]:
        fields = {name: of_field(spec) for name, spec in self.members}
        return {"kind": self.kind, "fields": fields, "optional": list(self.optional)}

    @classmethod
    def _from_json(
        cls, values: dict[str, Any], of_field: Callable[[dict[str, Any]], Modality]
    ) -> "Several":
        for name, hint in (("fields", dict[str, _Field]), ("optional", list[str])):
            if reason := records.misfit(values.get(name), hint, repr(name)):
                raise UserError(reason)
        fields = ((name, of_field(each)) for name, each in values["fields"].items())
        return cls(members=tuple(fields), optional=tuple(values["optional"]))

    @classmethod
    def from_record(cls, values: dict[str, Any], folder: str | os.PathLike) -> "Several":
        return cls._from_json(values, lambda each: recorded.restored(each, folder))

    def assets(self) -> list[Path]:
        return [path for spec in self.fields.values() for path in spec.assets()]

    @classmethod
    def essence(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {
            f"{field}.{name}": value
            for field, each in values.get("fields", {}).items()  # none, if it was another kind
            for name, value in registry.modality(each["kind"]).essence(each).items()
        }

    @classmethod
    def records_of_nets(cls, values: dict[str, Any]) -> list[dict[str, Any]]:
        return list(values["fields"].values())

    def essential(self) -> dict[str, Any]:
        return self._as_json(lambda spec: spec.essential())

    @classmethod
    def from_essential(cls, values: dict[str, Any]) -> "Several":
        return cls._from_json(
            values, lambda each: registry.modality(each["kind"]).from_essential(each)
        )

    def described(self) -> dict[str, Any]:
        return self._as_json(lambda spec: spec.described())

    @classmethod
    def from_description(cls, values: dict[str, Any]) -> "Several":
        return cls._from_json(
            values, lambda each: registry.modality(each["kind"]).from_description(each)
        )
