"""Bracketed trees: `train.mrg`, any files `train/*.mrg`, or the Penn Treebank's sections; each may
end in .gz."""

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from t2t_mm import files, registry
from t2t_mm.data.items import Broken, LeftOut
from t2t_mm.data.readers.base import Reader
from t2t_mm.errors import UserError
from t2t_mm.modalities.language.visible import is_blank
from t2t_mm.problem import trees

DEEPEST = 1_000  # brackets within one another: far more than any sentence has

# The usual split of the Wall Street Journal by sections; 00, 01 and 24 are for development.
SECTIONS = {
    "train": [f"{section:02}" for section in range(2, 22)],
    "validation": ["22"],
    "test": ["23"],
}


@registry.register_reader
class BracketedTrees(Reader):
    """Constituency trees, one per line or over several lines of which only the first begins with
    the bracket.

    Examples: {"words": the words with spaces between, "symbols": the linear form, "tree": the tree
    on one line}, of the tree cleaned of traces, empty constituents and function tags (a problem
    keeps traces with `keep_traces = True`, and function tags with `keep_functions = True`). Words
    stay as the treebank writes them (-LRB-). A tree that is unbalanced, has a bracket that holds
    nothing, or is longer than a megabyte or nested a thousand deep, is a broken example.
    """

    PIECE = 2_000
    IDENTITY = ("words",)

    def __init__(
        self,
        problem: Any,
        folder: str | os.PathLike | None = None,
        log: Callable[[str], Any] = print,
    ):
        super().__init__(problem, folder, log)
        self.keeps = {
            key: getattr(problem, f"keep_{key}", False) for key in ("functions", "traces")
        }
        self.name = "_".join([self.name, *(key for key, kept in self.keeps.items() if kept)])

    def settings(self) -> dict[str, Any]:
        return {f"keep_{key}": kept for key, kept in self.keeps.items()}

    def features(self) -> dict[str, Any]:
        import tensorflow_datasets as tfds

        return {key: tfds.features.Text() for key in ("words", "symbols", "tree")}

    def expected(self) -> str:
        return (
            "bracketed trees (train.mrg or train/*.mrg, validation.mrg, ..., or the Penn "
            "Treebank's sections, 02/*.mrg to 23/*.mrg)"
        )

    def find(self, name: str) -> Any:
        file, folder = files.existing(self.folder / f"{name}.mrg"), self.folder / name
        if file and folder.is_dir() and _trees_in([folder]):
            raise UserError(f"There are both {file} and {folder}/*.mrg. Keep one of them.")
        sections = [path for path in self._sections if path.name in SECTIONS.get(name, ())]
        if sections and (file or folder.is_dir()):
            self.note(f"{(file or folder).name} is read, and not the treebank's sections")
        if file:
            return [file]
        return _trees_in([folder] if folder.is_dir() else sections) or None

    @functools.cached_property
    def _sections(self):
        """The folders of sections, which may lie deeper, as in PARSED/MRG/WSJ."""
        # folders of splits, all of whose files are read
        splits = {name for names in self.SPLITS.values() for name in names}
        return [
            path
            for path in self.folder.rglob("[0-2][0-9]")
            if path.is_dir() and path.relative_to(self.folder).parts[0] not in splits
        ]

    def items(self, source: Any) -> Iterator[Any]:
        for path in source:
            name = path.relative_to(self.folder).as_posix()
            for number, chunk in _chunks(files.lines(path)):
                yield f"{name}:{number}", chunk

    def loader(self, source: Any) -> Callable[[Any], Iterable[Any]]:
        return functools.partial(_load, self.keeps["functions"], self.keeps["traces"])


def _trees_in(folders):
    """The files of trees in folders, at any depth; UserError if one is there plain and in .gz."""
    found = sorted(
        path
        for folder in folders
        for path in folder.rglob("*.mrg*")
        if path.name.endswith((".mrg", ".mrg.gz"))
        and path.is_file()
        and not path.name.startswith(".")
    )
    for path in found:
        files.existing(path.with_name(path.name.removesuffix(".gz")))
    return found


def _load(keep_functions, keep_traces, item):
    """The trees of one run of lines."""
    where, chunk = item
    if wrong := files.fault(chunk):
        yield Broken(where, wrong)
        return
    try:
        parsed = trees.parse(chunk.decode("utf-8"))
        if (deepest := max(map(trees.depth, parsed), default=0)) > DEEPEST:
            raise ValueError(f"nested {deepest:,} deep, where {DEEPEST:,} are the most")
        found = [trees.clean(tree, keep_functions, keep_traces) for tree in parsed]
    except ValueError as error:
        yield Broken(where, str(error))
        return
    for index, tree in enumerate(found):
        words = "" if tree is None else " ".join(trees.words(tree))
        if tree is None or is_blank(words):
            yield LeftOut("trees without a word")
        else:
            symbols = trees.linearize(tree)
            yield (
                f"{where}:{index}",
                {"words": words, "symbols": symbols, "tree": trees.write(tree)},
            )


def _chunks(lines):
    """Yields (number of the first line, bytes) for each run of lines that belong together.

    They end where the brackets balance, or else before an empty line or one that begins with a
    bracket, so that a tree that is not closed leaves the others intact. Of a run that is longer
    than a line may be, the rest is passed over.
    """
    first, depth, chunk, size = 0, 0, [], 0
    for number, line in lines:
        if chunk and (line.startswith(b"(") or not line.strip()):
            yield first, b"\n".join(chunk)
            depth, chunk, size = 0, [], 0
        if not line.strip():
            continue
        if not chunk:
            first = number
        if size <= files.LONGEST_LINE:
            chunk.append(line)
        size += len(line) + 1
        depth += line.count(b"(") - line.count(b")")
        if depth <= 0:
            yield first, b"\n".join(chunk)
            depth, chunk, size = 0, [], 0
    if chunk:
        yield first, b"\n".join(chunk)
