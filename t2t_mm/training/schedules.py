"""Learning-rate schedules: plain functions of the step, worked out on the host."""

import math

from t2t_mm.errors import UserError


def constant(progress, step, warmup):
    """The same rate throughout."""
    return 1.0


def noam(progress, step, warmup):
    """1 / sqrt(step), scaled to be 1 where the warm-up ends (Vaswani et al. 2017, section 5.3)."""
    return math.sqrt(max(warmup, 1) / max(step, warmup, 1))


def cosine(progress, step, warmup):
    """Half a cosine from 1 to 0."""
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def linear(progress, step, warmup):
    """A straight line from 1 to 0."""
    return 1.0 - progress


SCHEDULES = {"constant": constant, "noam": noam, "cosine": cosine, "linear": linear}


def learning_rate(hparams, step, train_steps):
    """The learning rate of step `step` (the first is 0) of a run of `train_steps` steps.

    Rises linearly to `hparams.learning_rate` over `hparams.warmup_steps`, then follows
    `hparams.schedule`; `cosine` and `linear` reach 0 just after the last step.
    """
    if hparams.schedule not in SCHEDULES:
        raise UserError(f"schedule is one of {', '.join(SCHEDULES)}; got {hparams.schedule!r}.")
    warmup = hparams.warmup_steps
    rise = min(1.0, (step + 1) / (warmup + 1))
    progress = min(1.0, max(0, step - warmup) / max(1, train_steps - warmup))
    return hparams.learning_rate * rise * SCHEDULES[hparams.schedule](progress, step, warmup)
