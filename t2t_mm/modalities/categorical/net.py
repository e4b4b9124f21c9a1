"""Categorical net: the exit flow to class logits."""

from typing import Any

from t2t_mm.modalities.exit_flow import ExitFlow


class CategoricalNet(ExitFlow):
    """The body's output to a logit for each class; see `ExitFlow`."""

    @staticmethod
    def outputs_of(spec: Any) -> int:
        return spec.num_classes
