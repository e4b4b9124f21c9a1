"""Multi-label net: the exit flow to a logit for each label."""

from typing import Any

from t2t_mm.modalities.exit_flow import ExitFlow


class MultiLabelNet(ExitFlow):
    """The body's output to a logit for each label; see `ExitFlow`."""

    @staticmethod
    def outputs_of(spec: Any) -> int:
        return spec.num_classes
