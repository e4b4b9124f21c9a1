"""Evaluates while training goes on."""

from t2t_mm.training.hooks.base import Hook, StepResult, Training


class Evaluate(Hook):
    """Evaluates all problems every so many steps.

    Args:
        every: steps between evaluations.
        last: whether the last step is evaluated, too.
    """

    def __init__(self, every: int, last: bool = False) -> None:
        self.every, self.last = every, last

    def after_step(self, trainer: Training, result: StepResult) -> None:
        """Evaluates if it is time."""
        is_last = result.step == trainer.until
        if (is_last and self.last) or (result.step % self.every == 0 and not is_last):
            with trainer.aside():
                trainer.evaluate()
