"""Trees drawn with lines, for people."""

from t2t_mm.problem.trees import Tree


def draw(tree: Tree) -> list[str]:
    """A tree as lines: a constituent over its parts, which are set in; tags beside their words.

    S
    ├─NP
    │ ├─DT the
    │ └─NN dog
    └─VP
      └─VBZ barks
    """
    lines, stack = [], [(tree, "", "")]
    while stack:
        node, before, below = stack.pop()
        lines.append(before + node.label + (f" {node.content}" if node.is_tag else ""))
        if not node.is_tag:
            last = len(node.content) - 1
            for index, child in reversed(list(enumerate(node.content))):
                branch, under = ("└─", "  ") if index == last else ("├─", "│ ")
                stack.append((child, below + branch, below + under))
    return lines
