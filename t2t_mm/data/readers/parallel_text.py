"""Line-aligned text: `train.en` and `train.de`, `validation.en`, ...; each may end in .gz."""

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from t2t_mm import files, registry
from t2t_mm.data.items import Broken, LeftOut
from t2t_mm.data.readers.base import Reader
from t2t_mm.errors import UserError
from t2t_mm.modalities.language.visible import is_blank
from t2t_mm.problem.cells import keys_of


@registry.register_reader
class ParallelText(Reader):
    """Line-aligned text: line n of each file of a split says the same in another language; of a
    problem without inputs, a file of texts.

    Examples: {"en": text, "de": text}, as the lines are; the languages are the problem's keys. A
    pair of which one line shows nothing is left out and counted. A line that is not UTF-8, or
    longer than a megabyte, is a broken example. Files of one split with differing numbers of lines
    are an error.
    """

    PIECE = 20_000

    def __init__(
        self,
        problem: Any,
        folder: str | os.PathLike | None = None,
        log: Callable[[str], Any] = print,
    ):
        super().__init__(problem, folder, log)
        self.keys = tuple(keys_of(problem).values())
        # sorted: the data set of a problem and of its reverse is the same
        self.languages = tuple(sorted(set(self.keys)))

    def settings(self) -> dict[str, Any]:
        return {"languages": self.languages}

    def features(self) -> dict[str, Any]:
        import tensorflow_datasets as tfds

        return {language: tfds.features.Text() for language in self.languages}

    def expected(self) -> str:
        train, validation = (
            " and ".join(f"{split}.{key}" for key in dict.fromkeys(self.keys))
            for split in ("train", "validation")
        )
        return f"line-aligned text ({train}, {validation}, ...; each may end in .gz)"

    def find(self, name: str) -> Any:
        wanted = [self.folder / f"{name}.{language}" for language in self.languages]
        found = [files.existing(path) for path in wanted]
        if not any(found):
            return None
        for path, other in zip(wanted, found, strict=True):
            if other is None:
                raise UserError(
                    f"There is no {path}, though {next(filter(None, found)).name} is there: "
                    "line-aligned text has one file per language."
                )
        return found

    def items(self, source: Any) -> Iterator[Any]:
        for rows in zip(*map(files.lines, source), strict=True):
            number = rows[0][0]
            yield number, [line for _, line in rows]

    def total(self, source: Any) -> int | None:
        counts = [sum(1 for _ in files.lines(path)) for path in source]
        if len(set(counts)) > 1:
            lengths = ", ".join(
                f"{path} has {count}" for path, count in zip(source, counts, strict=True)
            )
            raise UserError(
                f"Line-aligned files must have the same number of lines, but {lengths}. "
                "Align them again."
            )
        return counts[0]

    def loader(self, source: Any) -> Callable[[Any], Iterable[Any]]:
        return functools.partial(_load, self.languages, [path.name for path in source])


def _load(languages, names, item):
    """The example of the lines of one number."""
    number, lines = item
    faults = [files.fault(line) for line in lines]
    if wrong := next(filter(None, faults), ""):
        yield Broken(f"{names[faults.index(wrong)]}:{number}", wrong)
        return
    texts = [line.decode("utf-8") for line in lines]
    if any(map(is_blank, texts)):
        yield LeftOut("pairs with an empty line" if len(texts) > 1 else "empty lines")
    else:
        yield number, dict(zip(languages, texts, strict=True))
