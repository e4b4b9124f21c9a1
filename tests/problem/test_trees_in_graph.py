"""Trees in graph equal those of Python, whatever the model's output."""

import random

import pytest
import tensorflow as tf

from t2t_mm.problem import trees
from t2t_mm.problem.trees_in_graph import delinearize

CASES = [
    ("", ""),
    ("", "a b"),
    ("(S )S", "a"),
    ("DT", ""),
    ("DT", "a"),
    ("DT NN", "a"),
    ("( DT )", "a"),
    ("(ROOT (S (NP DT NN )NP (VP VBZ )VP )S )ROOT", "The dog barks"),
    ("(ROOT (S (NP DT", "The dog ( barks )"),
    ("(A (B (C x )A (D y )D", "p q r"),
]


def random_case(rng):
    labels = rng.choices(["S", "NP", "VP", "X(", ""], weights=[4, 4, 4, 1, 1], k=rng.randrange(16))
    symbols = [rng.choice(["(", "(", ")", ")", "", ""]) + label for label in labels]
    return " ".join(filter(None, symbols)), " ".join(
        rng.choices(["a", "dog", "b(", ")", "é"], k=rng.randrange(8))
    )


@pytest.mark.parametrize(
    "cases", [CASES, [random_case(random.Random(seed)) for seed in range(600)], []]
)
def test_as_in_python(cases):
    graph = tf.function(delinearize, input_signature=[tf.TensorSpec([None], tf.string)] * 2)
    symbols, sentences = ([case[side] for case in cases] for side in (0, 1))
    found = graph(
        tf.constant(symbols, tf.string, [len(cases)]),
        tf.constant(sentences, tf.string, [len(cases)]),
    )
    assert [tree.decode() for tree in found.numpy()] == [trees.delinearize(*case) for case in cases]
