"""Bracketed trees, as the Penn Treebank's: `train.mrg` or any files `train/*.mrg`; each may end in .gz."""

import dataclasses

import tensorflow_datasets as tfds

from t2t_mm.datasets import raw, trees


@dataclasses.dataclass(eq=False)
class BracketedTreesConfig(raw.RawConfig):
    """Whether function tags and indices stay in the labels (NP-SBJ-1) or go (NP)."""

    keep_functions: bool = False


class BracketedTrees(raw.RawBuilder, skip_registration=True):
    """Constituency trees, one a line or over several lines of which the first alone begins with the bracket.

    Examples: {"words": the words with spaces between, "symbols": the linear form, "tree": the tree on one
    line}, of the tree cleaned of traces, empty constituents and function tags (which stay if the problem has
    `keep_functions = True`). Words stay as the treebank writes them (-LRB-). An unbalanced tree is a broken
    example."""

    @classmethod
    def configure(cls, problem, path, log):
        return BracketedTreesConfig(name=problem.folder, path=str(path), log=log,
                                    keep_functions=getattr(problem, "keep_functions", False))

    def features(self):
        return {key: tfds.features.Text() for key in ("words", "symbols", "tree")}

    def looked_for(self):
        return "train.mrg or train/*.mrg, one bracketed tree a line"

    def find(self, name):
        if file := raw.existing(self.folder / f"{name}.mrg"):
            return [file]
        files = [path for path in (self.folder / name).rglob("*") if path.name.endswith((".mrg", ".mrg.gz"))]
        return sorted(path for path in files if path.is_file() and not path.name.startswith(".")) or None

    def read(self, source):
        keep_functions = self.builder_config.keep_functions
        for path in source:
            name = path.relative_to(self.folder).as_posix()
            for number, chunk in _chunks(raw.lines(path)):
                where = f"{name}:{number}"
                if (text := raw.text(chunk)) is None:
                    yield raw.Broken(where, "not UTF-8")
                    continue
                try:
                    found = [trees.clean(tree, keep_functions) for tree in trees.parse(text)]
                except ValueError as error:
                    yield raw.Broken(where, str(error))
                    continue
                for index, tree in enumerate(found):
                    if tree is None:
                        yield raw.LeftOut("trees without a word")
                    else:
                        yield f"{where}:{index}", {
                            "words": " ".join(trees.words(tree)),
                            "symbols": trees.linearize(tree),
                            "tree": trees.write(tree),
                        }


def _chunks(lines):
    """Yields (number of the first line, bytes) for each run of lines that belong together: until the brackets
    balance, or else until an empty line or one that begins with a bracket, so that a tree that is not closed
    spoils no other."""
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
