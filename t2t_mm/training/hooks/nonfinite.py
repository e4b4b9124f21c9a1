"""What is done about a step whose loss or gradient is not finite."""

import numpy as np

from t2t_mm.errors import UserError
from t2t_mm.training.hooks.base import Hook, StepResult, Training


class NonFiniteGuard(Hook):
    """Stops the run at a step that is not finite, or counts the step where it was skipped.

    Args:
        skips: whether such a step, of which nothing was applied, is counted; else it ends training,
            and its batch is saved.
        every: steps between looks. Each look waits for the device.

    Attributes:
        skipped: how many steps were.
    """

    def __init__(self, skips: bool = False, every: int = 1) -> None:
        self.skips, self.every = skips, every
        self.skipped = 0
        self._pending: list[StepResult] = []

    def after_step(self, trainer: Training, result: StepResult) -> None:
        """Looks at the results when enough have come.

        Raises:
            UserError: as `flush`.
        """
        self._pending.append(result)
        if len(self._pending) >= self.every:
            self.flush(trainer)

    def flush(self, trainer: Training) -> None:
        """Looks at all results that have come.

        Raises:
            UserError: if a step was not finite and is not to be skipped.
        """
        pending, self._pending = self._pending, []
        for result in pending:
            if not bool(result.values["finite"]):
                self._not_finite(trainer, result)

    def _not_finite(self, trainer, result):
        loss, norm = float(result.values["loss"]), float(result.values["gradient_norm"])
        found = (
            f"The loss of {result.problem} is {loss} (gradient norm {norm}) at step {result.step}"
        )
        if self.skips:
            self.skipped += 1
            trainer.console.log(f"{found}; the step is skipped ({self.skipped} so far).")
            return
        where = ""
        if trainer.folder:
            path = trainer.folder / f"nonfinite-{result.step}-{result.problem}.npz"
            np.savez(path, **{key: value.numpy() for key, value in result.batch.items()})
            where = f" Its batch is in {path}."
        raise UserError(
            f"{found}. Nothing of it was saved.{where} Start again from the last checkpoint (the "
            "same command) with a lower learning_rate, more warmup_steps or a smaller clip_norm, "
            "or with --skip_nonfinite."
        )
