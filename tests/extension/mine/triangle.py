"""A schedule of one's own."""

from t2t_mm import registry


@registry.register_schedule
def triangle(progress, step, warmup):
    """Up to the middle of the run, and down again."""
    return 1.0 - abs(2.0 * progress - 1.0)
