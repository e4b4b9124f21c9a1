"""What a side is made of: one value with one net, unless a modality says otherwise."""

import dataclasses
from typing import Any, ClassVar

GIVEN = "_is_given"  # behind the name of a field that may be absent: whether it is there


class Fields:
    """The part of the contract of a modality by which inputs may be several, or none; the defaults
    are those of one.

    Class attributes:
        optional: the fields that an example may lack.
    """

    optional: ClassVar[tuple[str, ...]] = ()

    @property
    def fields(self: Any) -> dict[str, Any]:
        """{name: spec} of what has a net of its own; the name of a single one is ""."""
        return {"": self}

    def in_batch(self: Any, encoded: Any) -> dict[str, Any]:
        """In graph: what a batch has of an encoded input: {"inputs": ...}, and {"inputs_mask": bool
        [length]} where lengths differ."""
        import tensorflow as tf

        mask = {"inputs_mask": tf.ones(tf.shape(encoded)[:1], tf.bool)} if self.masked else {}
        return {"inputs": encoded} | mask

    def static_lengths(self: Any, positions: Any) -> dict[str, Any]:
        """{key of a batch: length of its values, padded for so many body positions}."""
        length = self.padded_length(positions)
        return {"inputs": length, "inputs_mask": length}

    def fixed_positions(self: Any) -> int:
        """Body positions that every input takes, and no limit of lengths is for: of pictures."""
        return 0 if self.masked else self.positions(None)

    def check(self: Any) -> None:
        """Raises a UserError if what the spec says doesn't go together."""

    # -- inputs as a person gives them

    def told(self: Any, value: Any) -> Any:
        """A raw value, as a data set has it, as `read` takes it."""
        return value.decode("utf-8") if self.is_text else value

    def shown(self: Any, value: Any) -> str:
        """What of an input, as `told` gives it, is text; "" if nothing is."""
        return value if isinstance(value, str) else ""

    def blank(self: Any) -> Any:
        """A raw value that stands where there is none."""
        import tensorflow as tf

        return self.read_in_graph(tf.constant(self.sample())).numpy()

    def sent_as(self: Any, value: Any) -> dict[str, bytes]:
        """What `read` gives, as an exported model is sent it: {name of a tensor: content}."""
        return {"inputs": self.sent(value)}

    def received(self: Any, contents: dict[str, Any]) -> Any:
        """In graph: what `sent_as` gives, string scalars, as `encode` takes it, or a failure."""
        return self.read_in_graph(contents["inputs"])

    def samples(self: Any) -> dict[str, bytes]:
        """Inputs of some length, as a client would send them: {name of a tensor: content}."""
        return {"inputs": self.sample()}

    # -- records

    @classmethod
    def records_of_nets(cls, values: dict[str, Any]) -> list[dict[str, Any]]:
        """The records of what has a net of its own."""
        return [values]

    def essential(self: Any) -> dict[str, Any]:
        """The part of a resolved spec that weights depend on; see `from_essential`."""
        return {"kind": self.kind, **self.essence(dataclasses.asdict(self))}

    @classmethod
    def from_essential(cls, values: dict[str, Any]) -> Any:
        """The spec that `essential` was of, enough to make a net."""
        from t2t_mm.modalities.recorded import fields_of

        return cls(**fields_of(cls, values))
