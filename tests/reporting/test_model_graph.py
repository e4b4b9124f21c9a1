"""The model's graph in TensorBoard: whole, connected, with every weight in its place."""

import pytest

from t2t_mm.reporting.model_graph import graph_of
from tests.models.cases import HP, MODELS, PROBLEMS


@pytest.mark.parametrize("name", MODELS)
def test_every_way_and_every_weight_is_drawn(name):
    model = MODELS[name](HP, [PROBLEMS[p] for p in ("translate", "caption", "classify_sound")])
    nodes = {node.name: node for node in graph_of(model).node}
    inputs = {name: set(node.input) for name, node in nodes.items()}
    assert len(nodes) == len(graph_of(model).node)
    assert set().union(*inputs.values()) < set(nodes)  # an arrow has two ends
    weights = [node for node in nodes.values() if node.op == "Variable"]
    assert len(weights) == len(model.trainable_variables)
    assert {node.name for node in weights} < set().union(*inputs.values())
    shapes = {node.name: node.attr["_output_shapes"].list.shape[0] for node in weights}
    assert [d.size for d in shapes["commands/to-english/token"].dim] == [HP.hidden_size]
    for problem in model.problems:
        assert f"inputs/{problem}" in before(f"outputs/{problem}", inputs)
    assert nodes["encoder/call"].op == type(model.encoder).__name__
    assert nodes["outputs/caption"].op == "language"


def before(name, inputs):
    """All that comes before a node."""
    found, open_ = set(), [name]
    while open_:
        new = inputs[open_.pop()] - found
        found |= new
        open_ += new
    return found
