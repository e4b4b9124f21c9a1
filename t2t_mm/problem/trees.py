"""Bracketed constituency trees: reading, cleaning, writing, and the linear form of the targets.

    (ROOT (S (NP (DT The) (NN dog)) (VP (VBZ barks))))      a tree on one line
    (ROOT (S (NP DT NN )NP (VP VBZ )VP )S )ROOT             its linear form, without the words

The linear form and the sentence together give the tree back. Nothing recurses: trees may be of any
depth.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from t2t_mm.errors import shortened

ROOT = "ROOT"  # the label of a tree's outermost bracket, however the treebank writes it
ROOT_NAMES = ("", "TOP", "S1", "VROOT", ROOT)  # what treebanks call it
_TRACE = "-NONE-"
_NO_TAG = "XX"  # tag of a word for which no tag was predicted

_TOKEN = re.compile(r"[()]|[^\s()]+", re.ASCII)
_WORD = re.compile(r"\S+", re.ASCII)
_FUNCTION = re.compile(r"^([^-=]+)[-=].*")  # NP-SBJ-1, NP=2; the label -LRB- stays
_BRACKETS = str.maketrans({"(": "-LRB-", ")": "-RRB-"})


class Tree(NamedTuple):
    """A constituent, whose `content` is a list of trees, or a tag, whose `content` is its word."""

    label: str
    content: "list[Tree] | str"

    @property
    def is_tag(self) -> bool:
        """Whether it is the tag of a word."""
        return isinstance(self.content, str)


def parse(text: str) -> list[Tree]:
    """The trees in `text`, which may span any number of lines.

    Raises:
        ValueError: `text` is not a sequence of balanced brackets with one word in each innermost
            one.
    """
    trees: list[Tree] = []
    stack: list[list] = []  # open brackets: [label, children, word]
    follows_bracket = False  # only the first thing after a bracket can be its label
    for token in _TOKEN.findall(text):
        if token == "(":
            stack.append(["", [], None])
        elif token == ")":
            if not stack:
                raise ValueError("an extra closing bracket")
            label, children, word = stack.pop()
            if word is not None and (children or not label):
                raise ValueError(
                    f"the word {shortened(word)!r} stands beside constituents, without a tag of "
                    "its own"
                )
            (stack[-1][1] if stack else trees).append(
                Tree(label, children if word is None else word)
            )
        elif not stack:
            raise ValueError(f"{shortened(token)!r} stands outside any bracket")
        elif follows_bracket:
            stack[-1][0] = token
        elif stack[-1][2] is not None:
            raise ValueError(
                f"two words, {shortened(stack[-1][2])!r} and {shortened(token)!r}, in one bracket"
            )
        else:
            stack[-1][2] = token
        follows_bracket = token == "("
    if stack:
        raise ValueError(f"{len(stack)} bracket{'s are' if len(stack) > 1 else ' is'} not closed")
    return trees


def clean(tree: Tree, keep_functions: bool = False, keep_traces: bool = False) -> Tree | None:
    """The tree without traces, without constituents that held nothing else, and with ROOT for an
    unlabelled outer bracket (also for TOP, S1 and VROOT).

    Args:
        tree: a tree from `parse`.
        keep_functions: keeps function tags and indices (NP-SBJ, NP=2), which go by default (NP).
        keep_traces: keeps traces, as words with the tag -NONE-.
    Returns:
        The cleaned tree, or None if there is no word in it.
    Raises:
        ValueError: a bracket inside the tree has no label, or holds nothing: a word would be lost.
    """

    def rename(label):
        if is_outermost and label in ROOT_NAMES:
            return ROOT
        if not label:
            raise ValueError("a bracket inside the tree has no label")
        return label if keep_functions else _FUNCTION.sub(r"\1", label)

    builder = _Builder()
    is_outermost = True
    for step, node in walk(tree):
        if step == "tag":
            if keep_traces or node.label != _TRACE:
                builder.add(node)
        elif step == "open":
            if not node.content:
                raise ValueError(f"the bracket {node.label or 'without a label'} holds no word")
            builder.open(rename(node.label))
            is_outermost = False
        else:
            builder.close()
    return builder.trees[0] if builder.trees else None


def depth(tree: Tree) -> int:
    """How many brackets are open at once, those of tags not counted."""
    now = most = 0
    for step, _ in walk(tree):
        now += {"open": 1, "close": -1, "tag": 0}[step]
        most = max(most, now)
    return most


def words(tree: Tree) -> list[str]:
    """The words of a tree from left to right, as the treebank writes them (-LRB- for an opening
    bracket)."""
    return [node.content for step, node in walk(tree) if step == "tag"]


def write(tree: Tree) -> str:
    """The tree on one line, in brackets."""
    parts = {
        "tag": lambda node: f" ({node.label} {node.content})",
        "open": lambda node: f" ({node.label}",
        "close": lambda node: ")",
    }
    return "".join(parts[step](node) for step, node in walk(tree))[1:]


def linearize(tree: Tree | str) -> str:
    """The linear form of a tree (or of the line that holds it): tags, and a symbol for each opening
    and closing label; the words are left out."""
    parts = {"tag": "", "open": "(", "close": ")"}
    return " ".join(parts[step] + node.label for step, node in walk(_one(tree)))


def delinearize(symbols: str | list[str], sentence: str | list[str]) -> str:
    """The tree, on one line, whose linear form is `symbols` and whose words are those of
    `sentence`.

    The inverse of `linearize` for every clean tree. Any other sequence, such as an imperfect
    prediction, gives a tree over exactly the words of the sentence: constituents that are not
    closed are closed at the end; closing symbols that close nothing are ignored, as are tags beyond
    the last word and constituents without a word; words beyond the last tag are tagged XX and put
    under the outermost constituent.

    Args:
        symbols: linear form, as one string or split.
        sentence: words, as one string with spaces between or split.
    """
    remaining = [word.translate(_BRACKETS) for word in _split(sentence)][::-1]
    builder = _Builder()
    for symbol in _split(symbols):
        kind, label = (symbol[0], symbol[1:]) if symbol[0] in "()" else ("tag", symbol)
        label = label.translate(_BRACKETS) or ROOT
        if kind == "(":
            builder.open(label)
        elif kind == ")":
            if builder.is_open(label):
                while builder.close() != label:
                    pass
        elif remaining:
            builder.add(Tree(label, remaining.pop()))
    builder.close_all()
    untagged = [Tree(_NO_TAG, word) for word in reversed(remaining)]
    if len(builder.trees) == 1 and not (untagged and builder.trees[0].is_tag):
        (tree,) = builder.trees
        return write(Tree(tree.label, tree.content + untagged if untagged else tree.content))
    return write(Tree(ROOT, builder.trees + untagged))


class _Builder:
    """Builds trees from left to right; constituents without a word are dropped when they close."""

    def __init__(self):
        self.trees = []
        self._open = []

    def is_open(self, label) -> bool:
        return any(tree.label == label for tree in reversed(self._open))

    def open(self, label):
        self._open.append(Tree(label, []))

    def close(self) -> str:
        """Closes the innermost open constituent and returns its label."""
        tree = self._open.pop()
        if tree.content:
            self.add(tree)
        return tree.label

    def close_all(self):
        while self._open:
            self.close()

    def add(self, tree):
        (self._open[-1].content if self._open else self.trees).append(tree)


def walk(tree: Tree) -> Iterator[tuple[str, Tree]]:
    """Yields ("open", node), ("tag", node) and ("close", node) for the nodes of a tree, from left
    to right."""
    stack = [("open", tree)]
    while stack:
        step, node = stack.pop()
        if node.is_tag:
            yield "tag", node
            continue
        yield step, node
        if step == "open":
            stack.append(("close", node))
            stack.extend(("open", child) for child in reversed(node.content))  # type: ignore[misc]


def _split(text):
    """Words or symbols; only ASCII white space separates, as in `parse`."""
    return _WORD.findall(text if isinstance(text, str) else " ".join(text))


def _one(tree):
    if isinstance(tree, Tree):
        return tree
    (tree,) = parse(tree)
    return tree
