"""Trees are drawn with lines, however deep."""

from t2t_mm.problem import tree_drawing, trees


def test_a_tree_is_drawn():
    (tree,) = trees.parse("(S (NP (DT the) (NN dog)) (VP (VBZ barks)))")
    assert "\n".join(tree_drawing.draw(tree)) == (
        "S\n├─NP\n│ ├─DT the\n│ └─NN dog\n└─VP\n  └─VBZ barks"
    )


def test_a_deep_tree_is_drawn():
    (tree,) = trees.parse("(A " * 3000 + "(B b)" + ")" * 3000)
    assert len(tree_drawing.draw(tree)) == 3001
