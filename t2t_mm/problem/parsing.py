"""Problems whose targets are trees over the words of the inputs."""

from typing import Any

from t2t_mm.problem import trees
from t2t_mm.problem.base import Problem
from t2t_mm.problem.tree_drawing import draw


class TreeProblem(Problem):
    """Parsing: from the words of a sentence to its tree.

    The targets are the tree without the words, in its linear form; with the sentence it gives the
    tree back. A subclass gives `inputs` and `targets`.

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

    def configure(self, hparams: Any) -> Problem:
        """With `parse_vocab=shared`, trees are written in the vocabulary of the sentences."""
        changed = super().configure(hparams)
        if hparams.parse_vocab == "shared":
            changed.targets = self.inputs
        return changed

    def postprocess(self, text: str, source: str | None) -> str:
        """The tree over the words of the sentence, in brackets."""
        return text if source is None else trees.delinearize(text, source)

    def postprocess_in_graph(self, texts: Any, sources: Any) -> Any:
        from t2t_mm.problem.trees_in_graph import delinearize

        return delinearize(texts, sources)

    def describe_target(self, text: str, source: str | None) -> list[str]:
        """The tree, drawn."""
        if source is None:
            return []
        (tree,) = trees.parse(self.postprocess(text, source))
        return ["tree:", *(f"  {row}" for row in draw(tree))]
