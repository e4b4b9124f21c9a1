"""Bracketed trees: `train.mrg`, any files `train/*.mrg`, or the Penn Treebank's sections; each may
end in .gz."""

import dataclasses
import functools

import tensorflow_datasets as tfds

from t2t_mm import files
from t2t_mm.data.readers import raw
from t2t_mm.problem import trees

# The usual split of the Wall Street Journal by sections; 00, 01 and 24 are for development.
SECTIONS = {
    "train": [f"{section:02}" for section in range(2, 22)],
    "validation": ["22"],
    "test": ["23"],
}


@dataclasses.dataclass(eq=False)
class BracketedTreesConfig(raw.RawConfig):
    """Whether function tags and indices stay in the labels (NP-SBJ-1) or go (NP), and whether
    traces stay."""

    keep_functions: bool = False
    keep_traces: bool = False


class BracketedTrees(raw.RawBuilder, skip_registration=True):
    """Constituency trees, one a line or over several lines of which the first alone begins with the
    bracket.

    Examples: {"words": the words with spaces between, "symbols": the linear form, "tree": the tree
    on one line}, of the tree cleaned of traces, empty constituents and function tags (which stay if
    the problem has `keep_traces = True`, `keep_functions = True`). Words stay as the treebank
    writes them (-LRB-). An unbalanced tree is a broken example."""

    CONFIG = BracketedTreesConfig
    PIECE = 2_000

    @classmethod
    def settings(cls, problem):
        return {key: getattr(problem, key, False) for key in ("keep_functions", "keep_traces")}

    def features(self):
        return {key: tfds.features.Text() for key in ("words", "symbols", "tree")}

    def looked_for(self):
        return "train.mrg or train/*.mrg with bracketed trees, or the sections 02/*.mrg to 23/*.mrg"

    def find(self, name):
        if file := files.existing(self.folder / f"{name}.mrg"):
            return [file]
        folders = [self.folder / name]
        if not folders[0].is_dir():
            folders = [path for path in self._sections if path.name in SECTIONS.get(name, ())]
        found = [path for folder in folders for path in folder.rglob("*.mrg*")]
        return (
            sorted(
                path
                for path in found
                if path.name.endswith((".mrg", ".mrg.gz"))
                and path.is_file()
                and not path.name.startswith(".")
            )
            or None
        )

    @functools.cached_property
    def _sections(self):
        """The folders of sections, which may lie deeper, as in PARSED/MRG/WSJ."""
        splits = {
            name for names in self.SPLITS.values() for name in names
        }  # folders that are read as a whole
        return [
            path
            for path in self.folder.rglob("[0-2][0-9]")
            if path.is_dir() and path.relative_to(self.folder).parts[0] not in splits
        ]

    def items(self, source):
        for path in source:
            name = path.relative_to(self.folder).as_posix()
            for number, chunk in _chunks(files.lines(path)):
                yield f"{name}:{number}", chunk

    def loader(self, source):
        return functools.partial(
            _load, self.builder_config.keep_functions, self.builder_config.keep_traces
        )


def _load(keep_functions, keep_traces, item):
    """The trees of one run of lines."""
    where, chunk = item
    if (text := files.text(chunk)) is None:
        yield raw.Broken(where, "not UTF-8")
        return
    try:
        found = [trees.clean(tree, keep_functions, keep_traces) for tree in trees.parse(text)]
    except ValueError as error:
        yield raw.Broken(where, str(error))
        return
    for index, tree in enumerate(found):
        if tree is None:
            yield raw.LeftOut("trees without a word")
        else:
            words, symbols = " ".join(trees.words(tree)), trees.linearize(tree)
            yield (
                f"{where}:{index}",
                {"words": words, "symbols": symbols, "tree": trees.write(tree)},
            )


def _chunks(lines):
    """Yields (number of the first line, bytes) for each run of lines that belong together: until
    the brackets balance, or else until an empty line or one that begins with a bracket, so that a
    tree that is not closed spoils no other."""
    first, depth, chunk = 0, 0, []
    for number, line in lines:
        if chunk and (line.startswith(b"(") or not line.strip()):
            yield first, b"\n".join(chunk)
            depth, chunk = 0, []
        if not line.strip():
            continue
        if not chunk:
            first = number
        chunk.append(line)
        depth += line.count(b"(") - line.count(b")")
        if depth <= 0:
            yield first, b"\n".join(chunk)
            depth, chunk = 0, []
    if chunk:
        yield first, b"\n".join(chunk)
