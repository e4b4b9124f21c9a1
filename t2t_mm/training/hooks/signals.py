"""SIGTERM and Ctrl-C end training between two steps, with a checkpoint."""

from t2t_mm.execution.signals import StopSignals
from t2t_mm.training.hooks.base import Hook, Training


class StopOnSignal(Hook):
    """Ends training when a signal has come, to this worker or another.

    Args:
        signals: takes note of signals.
        every: steps between looks.
    """

    def __init__(self, signals: StopSignals, every: int = 1) -> None:
        self.signals, self.every = signals, every

    def begin(self, trainer: Training) -> None:
        """From here on signals are requests."""
        self.signals.__enter__()

    def before_step(self, trainer: Training) -> None:
        """Saves and ends the process, if a signal has come."""
        if trainer.step % self.every == 0:
            self._look(trainer)

    def end(self, trainer: Training, error: BaseException | None) -> None:
        """Signals are again what they were; one that came at the last step is not lost."""
        try:
            if error is None:
                self._look(trainer)
        finally:
            self.signals.__exit__()

    def _look(self, trainer):
        if trainer.replicas.any(self.signals.asked()):
            trainer.leave()
