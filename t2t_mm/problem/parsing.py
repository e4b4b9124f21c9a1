"""Problems whose targets are trees over the words of the inputs."""

import copy
import os
from typing import Any

from t2t_mm.problem import treebank, trees
from t2t_mm.problem.base import Problem
from t2t_mm.problem.tree_drawing import draw

SCANNED = 20_000  # sentences in which the treebank's conventions are looked for


class TreeProblem(Problem):
    """Parsing: from the words of a sentence to its tree.

    The targets are the tree without the words, in its linear form; with the sentence it gives the
    tree back. A text is brought to the conventions of the treebank, as its training data shows
    them, before it is read. A subclass gives `inputs` and `targets`.

    Attributes:
        keep_functions: whether function tags and indices stay in the labels (NP-SBJ-1), or go (NP).
        keep_traces: whether the traces of what was moved stay, as words with the tag -NONE-.
    """

    raw_layout = "bracketed_trees"
    command = "to-parse-tree"
    input_command = "to-english"
    input_key = "words"
    target_key = "symbols"
    keep_functions: bool = False
    keep_traces: bool = False
    metrics = ("bracket_f1",)
    rewrites_outputs = True

    _conventions: treebank.Conventions | None = None  # set by `resolve`, or what a run has kept

    def configure(self, hparams: Any) -> Problem:
        """With `parse_vocab=shared`, trees are written in the vocabulary of the sentences."""
        changed = super().configure(hparams)
        if hparams.parse_vocab == "shared":
            changed.targets = self.inputs
        return changed

    def resolve(self, data_dir: str | os.PathLike, hparams: Any = None) -> Problem:
        """As that of Problem, with the conventions of the treebank."""
        resolved: Any = super().resolve(data_dir, hparams)
        split = next(iter(resolved.splits()), "train")
        examples = resolved.examples(split, sides=["inputs"]).take(SCANNED)
        # in batches: one by one, reading would take longer than all else at the start of a run
        batches = examples.batch(1000).as_numpy_iterator()
        resolved._conventions = treebank.found(
            sentence.decode("utf-8") for batch in batches for sentence in batch["inputs"]
        )
        return resolved

    def findings(self) -> dict[str, Any]:
        return {"conventions": self._conventions.to_dict()} if self._conventions else {}

    def with_findings(self, values: dict[str, Any]) -> Problem:
        """A copy with the conventions that a run has kept; runs of 0.1.0 kept none."""
        changed = copy.copy(self)
        if "conventions" in values:
            changed._conventions = treebank.Conventions.from_dict(values["conventions"])
        return changed

    def preprocess(self, value: Any) -> Any:
        """In graph: a text, as the words that the treebank would have of it."""
        from t2t_mm.problem.treebank_in_graph import tokenized

        return value if self._conventions is None else tokenized(value, self._conventions)

    def postprocess(self, text: str, source: str | None) -> str:
        """The tree over the words of the sentence, in brackets."""
        return text if source is None else trees.delinearize(text, source)

    def given_target(self, text: Any) -> Any:
        """The linear form of a tree; what is no tree in brackets is taken for that form itself."""
        try:
            (tree,) = trees.parse(text)
        except (ValueError, TypeError):
            return text
        tree = trees.clean(tree, self.keep_functions, self.keep_traces)
        return "" if tree is None else trees.linearize(tree)

    def postprocess_in_graph(self, texts: Any, sources: Any) -> Any:
        from t2t_mm.problem.trees_in_graph import delinearize

        return delinearize(texts, sources)

    def describe_target(self, text: str, source: str | None) -> list[str]:
        """The tree, drawn."""
        if source is None:
            return []
        return ["tree:", *(f"  {row}" for row in self.drawn(self.postprocess(text, source)))]

    def drawn(self, answer: str) -> list[str]:
        """The tree, drawn; nothing of what is none."""
        try:
            (tree,) = trees.parse(answer)
        except ValueError:
            return []
        return draw(tree)
