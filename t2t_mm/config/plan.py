"""PlanConfig: what a plan of a run is asked for; the flags of t2t_mm_trainer.py that go with
--plan."""

import dataclasses
from typing import ClassVar

from t2t_mm.config import fields
from t2t_mm.errors import UserError


@dataclasses.dataclass(frozen=True)
class PlanConfig(fields.Fields):
    """Options of a plan."""

    title: ClassVar[str] = "options"

    plan: bool = fields.field(
        False,
        "train nothing: print what a run takes of memory, traffic and operations",
        group="plan",
    )
    replicas: int = fields.field(
        1, "with plan: devices of one machine to train on", group="plan", low=1, below=2**12
    )
    device_memory: float = fields.field(
        0.0,
        "with plan: GiB of each device; the plan says whether the run fits. 0: not asked",
        group="plan",
        low=0.0,
        below=1e6,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.plan and (self.replicas > 1 or self.device_memory):
            raise UserError("--replicas and --device_memory go with --plan, which trains nothing.")
