"""A model as TensorBoard's graph page draws it: the data's way through nets and body, and the
weights of each part.

It is made from the model's own parts, in no time. What TensorFlow compiles of them has tens of
thousands of operations and takes half a minute to trace.
"""

from collections.abc import Iterable
from typing import Any

import keras
import tensorflow as tf

from t2t_mm.runs.names import named_variables


def graph_of(model: Any) -> tf.compat.v1.GraphDef:
    """The graph of a ProblemModel: from the inputs of each problem by its nets, the command token
    and the body to its outputs. Weights have the names that checkpoints store them under, and feed
    the part that they belong to."""
    graph = _Graph(model)
    read: dict[str, list[str]] = {}  # net -> the inputs that it reads
    written: dict[str, list[str]] = {}  # net -> the problems whose targets it writes
    for name, sides in model.problems.items():
        for field, spec in sides.inputs.fields.items():
            place = graph.add("/".join(filter(None, ("inputs", name, field))), spec.kind)
            read.setdefault(spec.net_name(), []).append(place)
        written.setdefault(sides.targets.net_name(), []).append(name)
    encoding = [graph.bottom(name, model.nets[name], inputs) for name, inputs in read.items()]
    before = [graph.layer(f"commands/{n}", token) for n, token in model.commands.items()]
    encoder, *rest = model.body_layers
    encoding = [graph.layer(encoder.name, encoder, encoding)]
    for layer in rest:
        before = [graph.layer(layer.name, layer, encoding + before)]
    for name, problems in written.items():
        top = graph.top(name, model.nets[name], before)
        for problem in problems:
            graph.add(f"outputs/{problem}", model.problems[problem].targets.kind, [top])
    return graph.made


class _Graph:
    """A GraphDef that is being made of a model; what adds a node returns its name."""

    def __init__(self, model: Any) -> None:
        self.made = tf.compat.v1.GraphDef()
        named = {name: v for name, v in named_variables(model).items() if v.trainable}
        self._names = {id(variable): name for name, variable in named.items()}
        for name, variable in named.items():
            node = self.made.node.add(name=name, op="Variable")
            shape = node.attr["_output_shapes"].list.shape.add()
            shape.CopyFrom(tf.TensorShape(variable.shape).as_proto())

    def add(
        self,
        place: str,
        what: str,
        before: Iterable[str] = (),
        weights: Iterable[keras.Variable] = (),
    ) -> str:
        """Adds a node: its name, what it is, the nodes before it, its weights."""
        inputs = [*before, *(self._names[id(weight)] for weight in weights)]
        self.made.node.add(name=place, op=what, input=inputs)
        return place

    def layer(self, place: str, layer: keras.layers.Layer, before: Iterable[str] = ()) -> str:
        kind, weights = type(layer).__name__, layer.trainable_variables
        return self.add(f"{place}/call", kind, before, weights)

    def bottom(self, name: str, net: Any, before: Iterable[str]) -> str:
        place, weights = f"nets/{name}/bottom", net.bottom_variables()
        return self.add(place, type(net).__name__, before, weights)

    def top(self, name: str, net: Any, before: Iterable[str]) -> str:
        return self.add(f"nets/{name}/top", type(net).__name__, before, net.top_variables())
