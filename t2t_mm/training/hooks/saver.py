"""Writes checkpoints."""

from t2t_mm.training.hooks.base import Hook, StepResult, Training


class Saver(Hook):
    """Saves every so many steps, while training goes on, and after the last.

    Args:
        every: steps between checkpoints.
    """

    def __init__(self, every: int) -> None:
        self.every = every

    def after_step(self, trainer: Training, result: StepResult) -> None:
        """Saves if it is time.

        Raises:
            UserError: if this checkpoint or the one before can't be written.
        """
        trainer.check_saved()
        if result.step % self.every == 0 and result.step < trainer.until:
            with trainer.aside():
                trainer.save(wait=False)

    def end(self, trainer: Training, error: BaseException | None) -> None:
        """Saves the last step, unless training ended with an error."""
        if error is None:
            trainer.save()
