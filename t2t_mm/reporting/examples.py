"""Examples of a problem as text: sentences beside their pieces, trees drawn, classes by name."""

import numpy as np

from t2t_mm.modalities.language import vocabulary as text
from t2t_mm.problem import trees
from t2t_mm.problem.base import TreeProblem


def read(problem, split: str, count: int) -> list:
    """The first `count` raw examples of a split, [{"inputs": value, "targets": value}] with NumPy
    values."""
    return list(problem.examples(split).take(count).as_numpy_iterator())


def tell(problem, example) -> list:
    """Lines that show one example; pictures and sound are left to pictures.py."""
    lines = []
    for side in ("inputs", "targets"):
        spec, value = getattr(problem, side), example[side]
        if spec.kind == "language":
            is_tree = isinstance(problem, TreeProblem) and side == "targets"
            for line in np.atleast_1d(value):
                lines += _language(side, spec, line.decode("utf-8"))
            if is_tree:
                bracketed = trees.delinearize(
                    value.decode("utf-8"), example["inputs"].decode("utf-8")
                )
                lines += ["  tree:", *("    " + row for row in draw(trees.parse(bracketed)[0]))]
        elif spec.kind == "categorical":
            lines.append(f"  {side}: {spec.decode([value])} (class {int(value)})")
        elif spec.kind == "audio":
            lines.append(f"  {side}: {len(value) / spec.sample_rate:.2f} s of sound")
        else:
            lines.append(f"  {side}: {picture(value)}")
    return lines


def picture(value) -> str:
    """What a raw picture is, in words."""
    import io

    from PIL import Image

    if not isinstance(value, bytes):
        return f"picture, {value.shape[1]}×{value.shape[0]}"
    with Image.open(io.BytesIO(value)) as opened:
        return (
            f"{opened.format} picture, {opened.width}×{opened.height}, {opened.mode}, "
            f"{len(value):,} bytes"
        )


def _language(side, spec, line) -> list:
    vocabulary = spec.vocabulary()
    ids = vocabulary.encode_py(line)
    again = vocabulary.decode_py(ids)
    told = [f"  {side}: {line}", f"    {len(ids)} pieces: {' '.join(pieces(vocabulary, ids))}"]
    if again != line:
        told.append(f"    read back: {again}")
    return told


def pieces(vocabulary, ids) -> list:
    """The piece of each id, a space at its start written ▁."""
    if isinstance(vocabulary, text.Symbols):
        return [vocabulary.decode_py([i]) for i in ids]
    return [vocabulary.piece(i) for i in ids]


def draw(tree) -> list:
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
