"""The data of a user's own reader, `Problem.generate(split, raw_dir)`, stored as a TFDS data
set."""

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from t2t_mm import files, registry
from t2t_mm.data.items import Broken
from t2t_mm.data.readers.base import Reader
from t2t_mm.errors import UserError

SIDES = ("inputs", "targets")


@registry.register_reader
class Generated(Reader):
    """What a problem's own `generate` yields.

    Examples: {"inputs": ..., "targets": ...}, each value stored as its modality says, such as text
    as str, a picture as an encoded file's bytes, as its path or as uint8 [height, width, channels],
    a class as its number or name, and sound as samples.

    A split for which `generate` yields nothing, or finds no file, is not there. `generate` is
    called more than once.
    """

    PIECE = 1_000
    SPLITS = {split: (split,) for split in Reader.SPLITS}
    _missing = ""

    def __init__(
        self,
        problem: Any,
        folder: str | os.PathLike | None = None,
        log: Callable[[str], Any] = print,
    ):
        super().__init__(problem, folder, log)
        self.name = problem.name  # what a problem generates is its own
        self.problem = problem

    def features(self) -> dict[str, Any]:
        return self._features

    @functools.cached_property
    def _features(self):  # kept: finding the names of classes may read everything
        return {side: self._feature(side) for side in SIDES}

    def _feature(self, side):
        try:
            return self._spec(side).tfds_feature(functools.partial(self._values, side))
        except UserError as error:
            raise UserError(f"{self.problem.name}: in its {side}, {error}") from error

    def expected(self) -> str:
        given = "" if self.path else "; no --raw_dir was given"
        return (
            'examples from generate("train", raw_dir), of which there are '
            f"none{self._missing}{given}"
        )

    def find(self, name: str) -> Any:
        try:
            next(self._examples(name))
        except (StopIteration, FileNotFoundError, NotADirectoryError) as error:
            if name == "train" and getattr(error, "filename", None):
                self._missing = f": there is no {error.filename}"
            return None
        return name

    def items(self, source: Any) -> Iterator[Any]:
        for number, example in enumerate(self._examples(source)):
            paths = (self._spec(side).file_of(example[side]) for side in SIDES)
            yield number, example, *(files.stamped(path) for path in paths if path is not None)

    def loader(self, source: Any) -> Callable[[Any], Iterable[Any]]:
        sides = {side: (self._spec(side), feature) for side, feature in self.features().items()}
        return functools.partial(_load, sides)

    def _spec(self, side):
        return getattr(self.problem, side)

    def _values(self, side):
        """All raw values of one side, of every split."""
        return (example[side] for split in self.sources for example in self._examples(split))

    def _examples(self, split):
        for example in self.problem.generate(split, self.path or None):
            if not isinstance(example, dict) or not set(SIDES) <= set(example):
                raise UserError(
                    f'{self.problem.name}: generate("{split}", raw_dir) must yield {{"inputs": '
                    f'..., "targets": ...}}, but yields {str(example)[:80]!r}.'
                )
            yield example


def _load(sides, item):
    """The example of what `generate` yielded.

    Args:
        sides: {side: (its modality, the TFDS feature that stores it)}.
        item: (number, example, stamps of its files).
    """
    number, example, *_ = item
    try:
        yield (
            number,
            {side: spec.store(example[side], feature) for side, (spec, feature) in sides.items()},
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        yield Broken(f"example {number}", str(error))
