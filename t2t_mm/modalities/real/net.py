"""Net of real numbers: the exit flow to what the loss takes."""

from typing import Any

from t2t_mm.modalities.exit_flow import ExitFlow


class RealNet(ExitFlow):
    """The body's output to what the loss takes for each value; see `ExitFlow`."""

    @staticmethod
    def outputs_of(spec: Any) -> int:
        return spec.numbers
