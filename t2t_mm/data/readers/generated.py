"""The data of a user's own reader, `Problem.generate(split, raw_dir)`, stored as a TFDS data
set."""

import contextlib
import functools
import inspect
import os
import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from t2t_mm import files, registry
from t2t_mm.data.origin import code, opened, record
from t2t_mm.data.readers import data_objects
from t2t_mm.data.readers.columns import Columns
from t2t_mm.errors import UserError

# What a file of a split may be called.
_CALLED = {"train": {"train", "training"}, "test": {"test", "testing", "eval"}}
_CALLED["validation"] = {"validation", "valid", "val", "dev"}


@registry.register_reader
class Generated(Columns):
    """What a problem's own `generate` yields, or the data set that it returns.

    Examples: {"inputs": ..., "targets": ...} (or as `input_key` and `target_key` say), each value
    stored as its modality says, such as text as str, a picture as an encoded file's bytes, as its
    path or as uint8 [height, width, channels], a class as its number or name, and sound as samples
    or as the path of a file.

    A split for which `generate` yields nothing is not there, nor is one whose own file it doesn't
    find, such as test.tsv. `generate` is called more than once.
    """

    SPLITS = {split: (split,) for split in Columns.SPLITS}

    def __init__(
        self,
        problem: Any,
        folder: str | os.PathLike | None = None,
        log: Callable[[str], Any] = print,
    ):
        super().__init__(problem, folder, log)
        self._missing: dict[str, str] = {}  # {split: which file it would have}
        # {split: {path: stamp}} of what `generate` has opened so far
        self._opened: dict[str, dict[str, tuple]] = {split: {} for split in self.SPLITS}

    def expected(self) -> str:
        given = "" if self.path else "; no --raw_dir was given"
        missing = f": {self._missing['train']}" if "train" in self._missing else ""
        return f'examples from generate("train", raw_dir), of which there are none{missing}{given}'

    def find(self, name: str) -> Any:
        try:
            next(self.rows(name, tuple(self.keys)))
        except StopIteration:
            return None
        except _NoSuchSplit as error:
            self._missing[name] = f"there is no {os.fsdecode(error.__cause__.filename)}"
            return None
        return name

    @functools.cached_property
    def sources(self) -> dict[str, Any]:
        found = super().sources
        for split, missing in self._missing.items():
            self.note(f"no {split} split: {missing}")
        return found

    def items(self, source: Any) -> Iterator[Any]:
        for item in super().items(source):
            for path, *stamp in item[2:]:  # of what is broken or left out, there are none
                self._opened[source].setdefault(os.path.abspath(path), tuple(stamp))
            yield item

    # -- what it is made from

    @property
    def stamps(self) -> dict[str, dict[str, tuple]]:
        """Of what `generate` has opened so far, and of all files in the folder of the problem's
        name; a split that isn't there has those that were looked for."""
        own = self._in_own_folder()
        return {split: own | found for split, found in self._opened.items()}

    def restamped(self, splits: dict[str, Any]) -> dict[str, dict[str, tuple]]:
        own = self._in_own_folder()
        return {
            split: own | record.stamps(self.folder / name for name in names)
            for split, names in splits.items()
        }

    def found_since(self, recorded: dict[str, Any], there: Container[str]) -> list[str]:
        """As of Reader; calls `generate` only where a file has changed that it looked for."""
        now = self.restamped(recorded)
        changed = (s for s in now if record.file_changes(recorded[s], now[s], self.path))
        return [split for split in changed if split not in there and self.find(split)]

    def _in_own_folder(self):
        folder = self.folder / self.problem.folder
        return record.stamps(files.under(folder)) if self.path and folder.is_dir() else {}

    def code(self) -> dict[str, str]:
        return code.digests(self.problem.generate, type(self.problem))

    # -- calling it

    def rows(self, source: Any, cells: Sequence[str]) -> Iterator[Any]:
        rows = self._rows(source, cells)
        while True:
            with opened.watched(self._opened[source]), self._naming_files(source):
                try:
                    row = next(rows)
                except StopIteration:
                    return
            yield row

    def _rows(self, split, cells):
        found = self._call(split)
        if data_objects.is_one(found):
            place = f"{self.problem.name}: the data set of its generate"
            yield from data_objects.rows(found, self.keys, cells, place, self.optional)
            return
        needed = {key for cell, key in self.keys.items() if cell not in self.optional}
        for number, example in enumerate(found):
            found = set(example) if isinstance(example, dict) else set()
            if not needed <= found <= set(self.keys.values()):
                wanted = ", ".join(f'"{key}": ...' for key in self.keys.values())
                raise UserError(
                    f'{self.problem.name}: generate("{split}", raw_dir) must yield {{{wanted}}} '
                    f"and no other keys, but yields {str(example)[:80]!r}."
                )
            yield number, {cell: example.get(self.keys[cell]) for cell in cells}

    def _call(self, split):
        generate, given = self.problem.generate, (split, self.path or None)
        try:
            inspect.signature(generate).bind(*given)
        except TypeError as error:
            raise UserError(
                f"{self.problem.name}: generate is called as generate(split, raw_dir), but its "
                f"arguments are {inspect.signature(generate)}: {error}."
            ) from None
        found = data_objects.of_split(generate(*given), split)
        is_one = isinstance(found, Iterable) or data_objects.is_one(found)
        if not is_one or isinstance(found, str | bytes | dict):
            raise UserError(
                f'{self.problem.name}: generate("{split}", raw_dir) must yield examples, but it '
                f"returns {str(found)[:80]!r}."
            )
        return found

    @contextlib.contextmanager
    def _naming_files(self, split):
        """A file that `generate` doesn't find is the user's mistake, and told as such."""
        try:
            yield
        except (FileNotFoundError, NotADirectoryError) as error:
            path = os.fsdecode(error.filename or b"")
            message = (
                f'{self.problem.name}: generate("{split}", raw_dir) fails, since there is no '
                f"{path or f'file ({error})'}. Put it there; if the problem has no {split} split, "
                "let generate yield nothing for it."
            )
            found = _NoSuchSplit if path and self._is_of_split(path, split) else UserError
            raise found(message) from error

    def _is_of_split(self, path, split):
        """Whether a file that isn't there is called after the split, as test.tsv is."""
        inside = self.path and Path(path).is_relative_to(self.path)
        name = Path(path).relative_to(self.path).as_posix() if inside else Path(path).name
        return not set(re.findall("[a-z]+", name.lower())).isdisjoint(_CALLED[split])


class _NoSuchSplit(UserError):
    """The file of a split is not there; the cause has its name."""
