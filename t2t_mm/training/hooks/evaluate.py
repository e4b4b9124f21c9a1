"""Evaluates while training goes on."""

from t2t_mm.runs import history
from t2t_mm.training.hooks.base import Hook, StepResult, Training


class Evaluate(Hook):
    """Evaluates all problems every so many steps.

    Args:
        every: steps between evaluations.
        last: whether the last step is evaluated, too.
    """

    def __init__(self, every: int, last: bool = False) -> None:
        self.every, self.last = every, last

    def begin(self, trainer: Training) -> None:
        """Makes the evaluation that a stop has cut off. (Where evaluations decide what is kept,
        KeepBest does.)"""
        is_due = trainer.step and trainer.step % self.every == 0 and not self.last
        if is_due and trainer.replicas.any(self._is_missing(trainer)):
            with trainer.aside():
                trainer.evaluate()

    def _is_missing(self, trainer: Training) -> bool:
        """Whether the chief finds no evaluation of the step that training goes on from."""
        wanted = trainer.step, trainer.config.eval_split
        return bool(trainer.folder) and not any(
            (each.step, each.split) == wanted for each in history.read(trainer.folder)
        )

    def after_step(self, trainer: Training, result: StepResult) -> None:
        """Evaluates if it is time."""
        is_last = result.step == trainer.until
        if (is_last and self.last) or (result.step % self.every == 0 and not is_last):
            with trainer.aside():
                trainer.evaluate()
