"""The contract of a reader: which files are a split, what is in them, and what an example holds.

A reader of your own is one class in one file of --t2t_usr_dir. A problem with
`raw_layout = "word_pairs"` is then read by it:

    @registry.register_reader
    class WordPairs(Reader):
        \"\"\"Pairs of words, one pair per line, with a tab between.\"\"\"

        def features(self):
            import tensorflow_datasets as tfds  # here: names and messages must not cost TensorFlow

            return {key: tfds.features.Text() for key in ("inputs", "targets")}

        def expected(self):
            return "pairs of words (train.tsv, validation.tsv, ...)"

        def find(self, name):
            return files.existing(self.folder / f"{name}.tsv")

        def items(self, source):
            yield from files.lines(source)

        def loader(self, source):
            return _load  # (number, line) -> yields (number, {"inputs": ..., "targets": ...})
"""

import functools
import os
import pathlib
from collections.abc import Callable, Container, Iterable
from typing import Any, ClassVar

from t2t_mm import files
from t2t_mm.data.origin import code, record
from t2t_mm.errors import UserError


class Reader:
    """Reads the raw folder of a problem. Making one is cheap and touches no file.

    Reading is in two halves: `items` lists, quickly, and `loader` turns what was listed into
    examples. The second half is the work: several processes share it, and an interruption does not
    make it be done again. Examples are stored in an order shuffled by their keys.

    Attributes:
        layout: the registered name; a problem names it as its `raw_layout`.
        name: of the data set on disk: the problem's folder, and what of its settings it depends on.
        folder: the raw folder.
        VERSION: of the data set on disk; another one when examples become others.
        SPLITS: our names of the splits -> what their files or folders may be called.
        PIECE: items that are made into examples together: what an interruption may cost.
        IDENTITY: features that make an example the one it is; all of them if none is named. By
            these it is noticed that two splits share examples.
    """

    layout: ClassVar[str] = ""
    VERSION: ClassVar[str] = "1.0.0"
    SPLITS: ClassVar[dict[str, tuple[str, ...]]] = {
        "train": ("train",),
        "validation": ("validation", "val", "dev"),
        "test": ("test",),
    }
    PIECE: ClassVar[int] = 500
    IDENTITY: tuple[str, ...] = ()

    def __init__(
        self,
        problem: Any,
        folder: str | os.PathLike | None = None,
        log: Callable[[str], Any] = print,
    ):
        """Takes from the problem what the reader has to know of it.

        Args:
            problem: the Problem.
            folder: the raw folder; None if there is none (a problem may generate its data).
            log: function of one str, which is given what was left out.
        """
        self.name: str = problem.folder
        self.path = os.fspath(folder) if folder else ""
        self.log = log

    # -- what a reader has to give

    def features(self) -> dict[str, Any]:
        """Names and TFDS features of an example."""
        raise NotImplementedError

    def expected(self) -> str:
        """What has to be in the raw folder, for messages: "Kaldi folders (train/wav.scp, ...)"."""
        raise NotImplementedError

    def find(self, name: str) -> Any:
        """What `items` needs to list the split whose files are called `name`; None if there is
        no such split."""
        raise NotImplementedError

    def items(self, source: Any) -> Iterable[Any]:
        """Lists what `find` gave, never holding all of it in memory.

        Yields:
            What the loader takes, `items.Broken` or `items.LeftOut`. An item must change if a
            file that it is made of changes (see `files.stamped`): an equal one is not read again.
        """
        raise NotImplementedError

    def loader(self, source: Any) -> Callable[[Any], Iterable[Any]]:
        """A function of an item that yields (key, example), `items.Broken` and `items.LeftOut`.
        Other processes call it, so it must be picklable."""
        raise NotImplementedError

    # -- what it may give

    def settings(self) -> dict[str, Any]:
        """What an example depends on besides items and features; after a change, examples that an
        interrupted run had made are made again."""
        return {}

    def total(self, source: Any) -> int | None:
        """How many items there are, None if only reading shows it. Called before `items`; raises
        a UserError if files don't fit together."""
        return None

    def files(self, source: Any) -> Iterable[pathlib.Path]:
        """The files that a source is read from, by which it is noticed that they changed. Here:
        the paths that `find` gave, and what is in them where they are folders."""
        for path in source if isinstance(source, list | tuple) else [source]:
            if isinstance(path, str | os.PathLike):
                path = pathlib.Path(path)
                yield from files.under(path) if path.is_dir() else [path]

    def code(self) -> dict[str, str]:
        """{name: digest} of the user's code that examples depend on; of a reader of the package,
        its VERSION speaks."""
        return code.digests(type(self), type(self))

    # -- what it has

    @functools.cached_property
    def stamps(self) -> dict[str, dict[str, tuple]]:
        """{split: {path: (size, time)}} of the files that are read, when first asked for."""
        return {split: record.stamps(self.files(each)) for split, each in self.sources.items()}

    def restamped(self, splits: dict[str, Any]) -> dict[str, dict[str, tuple]]:
        """What `stamps` would be now, of data that was read from these files, {split: {name:
        recorded}}; touches nothing but the file system."""
        return self.stamps

    def found_since(self, recorded: dict[str, Any], there: Container[str]) -> list[str]:
        """The splits that are there by now, and are not among those that were read before.

        Args:
            recorded: {split: files} of what was read before.
            there: the splits that are prepared.
        """
        return [split for split in self.sources if split not in there]

    @property
    def folder(self) -> pathlib.Path:
        """The raw folder."""
        return pathlib.Path(self.path)

    def note(self, message: str) -> None:
        """Logs something that the user should know."""
        self.log(f"{self.name}: {message}")

    @property
    def place(self) -> str:
        """What is read and from where, for messages."""
        return f"{self.name} in {self.path}" if self.path else self.name

    @functools.cached_property
    def sources(self) -> dict[str, Any]:
        """The splits that are there -> what `find` gave.

        Raises:
            UserError: there is none, or one is there twice.
        """
        found = {split: self._source(split) for split in self.SPLITS}
        found = {split: source for split, source in found.items() if source is not None}
        if not found:
            where = f"in {self.folder}" if self.path else "is given"
            raise UserError(
                f"{self.name}: No training data {where}: expected {self.expected()}{self._there()}."
            )
        return found

    def _source(self, split: str) -> Any:
        found = {name: source for name in self.SPLITS[split] if (source := self.find(name))}
        if len(found) > 1:
            names = " and ".join(found)
            raise UserError(
                f"{self.place}: the {split} split is there more than once, as {names}. Keep one."
            )
        return next(iter(found.values()), None)

    def _there(self) -> str:
        """What is in the folder, for a message."""
        if not self.path:
            return ""
        if not self.folder.is_dir():
            return "; found: no such folder"
        return f"; found: {', '.join(sorted(os.listdir(self.folder))[:10]) or 'nothing'}"
