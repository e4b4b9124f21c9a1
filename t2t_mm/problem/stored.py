"""The examples of a problem as they are stored: in which files, and what is made of a record.

stored = Stored(problem, "train", ("inputs", "targets"))
stored.examples()  # a tf.data.Dataset of them, as TFDS reads it
stored.records()  # the files and what a record means, for whoever reads in an order of its own
"""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from t2t_mm import compat
from t2t_mm.errors import UserError
from t2t_mm.problem import keys
from t2t_mm.problem.cells import cells_of, flags_of, keys_of, side_of

Example = dict[str, Any]


class Part(NamedTuple):
    """Records of one file, one after the other.

    Attributes:
        path: of the file.
        skip: the number of the first, from 0.
        take: how many there are.
    """

    path: str
    skip: int
    take: int


@dataclasses.dataclass(frozen=True)
class Records:
    """The examples of a split, as records in files.

    Attributes:
        parts: all of them, in the stored order.
        read: (path, skip, take), of a Part and in graph too -> tf.data.Dataset of strings, the
            records.
        parse: a record -> {"inputs": raw, "targets": raw}, in graph.
    """

    parts: tuple[Part, ...]
    read: Callable[[Any, Any, Any], Any]
    parse: Callable[[Any], Example]

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(part.take for part in self.parts)

    def then(self, change: Callable[[Example], Example]) -> "Records":
        """The same records, of whose examples something else is made."""
        return dataclasses.replace(self, parse=lambda record: change(self.parse(record)))

    def share(self, index: int, shares: int) -> "Records":
        """The `index`-th of so many even shares: whole files, but for the one that two have a part
        of."""
        first, last = (self.count * edge // shares for edge in (index, index + 1))
        parts, before = [], 0
        for path, skip, take in self.parts:
            begin, end = (min(max(edge - before, 0), take) for edge in (first, last))
            parts += [Part(path, skip + begin, end - begin)] if begin < end else []
            before += take
        return dataclasses.replace(self, parts=tuple(parts))

    def examples(self) -> Any:
        """A tf.data.Dataset of the examples, in the stored order."""
        import tensorflow as tf

        parts = tf.data.Dataset.from_tensor_slices(
            (
                tf.constant([part.path for part in self.parts], tf.string),
                tf.constant([part.skip for part in self.parts], tf.int64),
                tf.constant([part.take for part in self.parts], tf.int64),
            )
        )
        return parts.flat_map(self.read).map(self.parse)


class Stored:
    """The examples of a split of prepared data.

    Args:
        problem: a located Problem.
        split: "train", "validation" or "test".
        sides: those that are wanted; the other is not read.

    Raises:
        UserError: there is no such split.
    """

    def __init__(self, problem: Any, split: str, sides: Iterable[str]) -> None:
        self.builder, self.sides = problem.builder, tuple(sides)
        names = problem.stored_splits()
        if split not in names:
            raise UserError(
                f"{problem.name} has no {split} examples in {self.builder.data_path}, only "
                f"{', '.join(names) or 'an empty data set'}."
            )
        every = cells_of(problem)
        # where none of them is stored, there are as many examples as targets
        specs = {cell: spec for cell, spec in every.items() if side_of(cell) in self.sides} or every
        stored = keys_of(problem)
        self.wanted = {cell: stored[cell] for cell in specs}
        if "inputs" in self.sides:  # a data set that says nothing of it has all
            there, flags = self.builder.info.features, flags_of(problem).items()
            self.wanted |= {
                cell: key for cell, key in flags if keys.feature(there, key) is not None
            }
        self.encoded = {stored[cell] for cell, spec in specs.items() if spec.skips_decoding}
        changes = {
            cell: spec.from_stored(problem.stored_feature(cell)) for cell, spec in specs.items()
        }
        self.changes = {cell: change for cell, change in changes.items() if change}
        count = problem.train_examples if split == "train" else 0
        self.part = keys.first(self.builder, names[split], count) if count else names[split]

    def examples(self, shuffle_seed: int | None = None) -> Any:
        """A tf.data.Dataset of them; see `Problem.examples`."""
        data = keys.read(self.builder, self.part, self.wanted, self.encoded, shuffle_seed)
        if self.changes:
            data = data.map(self._changed)
        if set(self.wanted) != set(self.sides):
            data = data.map(self._sides)
        return data

    def records(self) -> Records:
        """The files of them."""
        parse = keys.parser(self.builder, self.wanted, self.encoded)
        parts = (Part(*each) for each in keys.files(self.builder, self.part))
        records = Records(tuple(parts), compat.tfds_reader(self.builder), parse)
        return records.then(self._changed).then(self._sides)

    def _changed(self, example: Example) -> Example:
        """What the modalities make of the features that are stored."""
        return example | {cell: change(example[cell]) for cell, change in self.changes.items()}

    def _sides(self, example: Example) -> Example:
        """The sides that cells are of; one that isn't stored is an empty text."""
        nested = keys.nested(example)
        return {side: nested.get(side, "") for side in self.sides}


def in_files(problem: Any) -> bool:
    """Whether the problem's examples lie in files."""
    return problem.folder_of_data is not None and not compat.is_tfds_mocked()


def of_dataset(data: Any, count: int) -> Records:
    """The records of examples that lie in no file.

    Args:
        data: a tf.data.Dataset of them, that gives them in the same order each time.
        count: how many there are.
    """
    import tensorflow as tf

    specs = data.element_spec
    records = data.map(
        lambda example: tf.stack(
            [tf.io.serialize_tensor(value) for value in tf.nest.flatten(example)]
        )
    )

    def read(path, skip, take):
        return records.skip(skip).take(take)

    def parse(record):
        values = [
            tf.ensure_shape(tf.io.parse_tensor(record[i], spec.dtype), spec.shape)
            for i, spec in enumerate(tf.nest.flatten(specs))
        ]
        return tf.nest.pack_sequence_as(specs, values)

    return Records((Part("", 0, count),), read, parse)
