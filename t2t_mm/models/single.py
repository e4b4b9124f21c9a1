"""One problem of a model: what the model knows about it, and a plain Keras model of it."""

from typing import Any, NamedTuple

import keras
from keras import ops

from t2t_mm.modalities.base import Modality
from t2t_mm.modalities.net import spec_of


class Sides(NamedTuple):
    """What a model has to know about a problem; a Problem has these attributes, too."""

    name: str
    command: str
    inputs: Modality
    targets: Modality


def sides_config(problem: Any) -> dict[str, Any]:
    """The part of a resolved problem that weights depend on, for the configuration of a model."""
    specs = {side: getattr(problem, side).essential() for side in ("inputs", "targets")}
    return {"name": problem.name, "command": problem.command, **specs}


def sides_of(config: dict[str, Any]) -> Sides:
    """The sides that `sides_config` was of."""
    specs = {side: spec_of(config[side]) for side in ("inputs", "targets")}
    return Sides(**config | specs)


@keras.saving.register_keras_serializable("t2t_mm")
class SingleProblem(keras.Model):
    """One problem of a model for many, as a plain Keras model: a dict of inputs in, logits out. Its
    weights are the model's; `fit` trains those on the problem's path.

        single = model.for_problem("mini_ende")
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        single.compile("adam", loss, weighted_metrics=["accuracy"])
        single.fit(data)  # batches (inputs, targets, targets_mask)
        signature = {
            "inputs": keras.InputSpec(shape=(None, None), dtype="int32"),
            "targets": keras.InputSpec(shape=(None, None), dtype="int32"),
        }
        single.export("exported/mini_ende", input_signature=[signature])

    (For a SavedModel that takes raw strings, pictures and sounds see `t2t-mm-exporter`.)

    Args:
        model: models.base.ProblemModel.
        problem: name of one of its problems.

    Call arguments:
        inputs: dict of `inputs` and, where the target is a sequence, `targets` (teacher forcing);
            both as in a batch of the model. `inputs_mask` and `targets_mask` are true at real
            positions; without them nothing is padding.
        training: dropout and gating noise on.

    Returns:
        Logits float32 [batch, target length, classes or pieces].
    """

    def __init__(self, model: keras.Model, problem: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.model, self.problem = model, problem
        self.built = True

    def call(self, inputs: dict[str, Any], training: bool = False) -> Any:
        sides, batch = self.model.problems[self.problem], dict(inputs)
        lengths = {"targets": ops.shape(batch["targets"])[:2]} if "targets" in batch else {}
        for field, spec in sides.inputs.fields.items():
            if spec.masked:
                lengths[f"inputs/{field}" if field else "inputs"] = None
            elif field:
                lengths[f"inputs/{field}"] = (ops.shape(batch[f"inputs/{field}"])[0], 1)
        for name, shape in lengths.items():
            if f"{name}_mask" not in batch:
                batch[f"{name}_mask"] = ops.ones(shape or ops.shape(batch[name])[:2], "bool")
        out = self.model(batch, problem=self.problem, training=training)
        if training:
            self.add_loss(out["aux_loss"])
        return out["logits"]

    @property
    def trainable_variables(self) -> list[keras.Variable]:
        """The variables on the problem's path; `fit` trains no others."""
        return [v for v in self.model.variables_of(self.problem) if v.trainable]

    @property
    def trainable_weights(self) -> list[keras.Variable]:
        return self.trainable_variables

    def get_config(self) -> dict[str, Any]:
        model = keras.saving.serialize_keras_object(self.model)
        return {"name": self.name, "model": model, "problem": self.problem}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "SingleProblem":
        model = keras.saving.deserialize_keras_object(config["model"], custom_objects)
        return cls(**config | {"model": model})
