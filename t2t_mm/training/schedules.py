"""Learning-rate schedules: registered functions of the step, computed on the host.

    @registry.register_schedule
    def halves(progress, step, warmup):
        return 0.5 ** int(4 * progress)

A schedule gives the learning rate as a multiple of its peak. Its arguments: the progress from the
end of the warm-up (0) to the end of the run (1), the step (the first is 0), and the steps of the
warm-up.
"""

import math

from t2t_mm import registry
from t2t_mm.config.hparams import HParams


@registry.register_schedule
def constant(progress: float, step: int, warmup: int) -> float:
    """The same rate throughout."""
    return 1.0


@registry.register_schedule
def noam(progress: float, step: int, warmup: int) -> float:
    """1 / sqrt(step), scaled to be 1 where the warm-up ends (Vaswani et al. 2017, section 5.3)."""
    return math.sqrt(max(warmup, 1) / max(step, warmup, 1))


@registry.register_schedule
def cosine(progress: float, step: int, warmup: int) -> float:
    """Half a cosine from 1 to 0."""
    return 0.5 * (1.0 + math.cos(math.pi * progress))


@registry.register_schedule
def linear(progress: float, step: int, warmup: int) -> float:
    """A straight line from 1 to 0."""
    return 1.0 - progress


def learning_rate(hparams: HParams, step: int, train_steps: int) -> float:
    """The learning rate of step `step` (the first is 0) of a run of `train_steps` steps.

    Rises linearly to `hparams.learning_rate` over `hparams.warmup_steps`, then follows
    `hparams.schedule`; `cosine` and `linear` reach 0 just after the last step.
    """
    schedule, warmup = registry.schedule(hparams.schedule), hparams.warmup_steps
    rise = min(1.0, (step + 1) / (warmup + 1))
    progress = min(1.0, max(0, step - warmup) / max(1, train_steps - warmup))
    return hparams.learning_rate * rise * schedule(progress, step, warmup)
