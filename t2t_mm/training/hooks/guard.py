"""What is done about a step whose loss or gradient is not finite."""

import numpy as np

from t2t_mm.errors import UserError


class Guard:
    """Looks at the results of steps: after each, or after some that were handed to the device
    together.

    Args:
        console: where a skipped step is told.
        folder: where the batch of a step that stops the run is saved, a Path; None: nowhere.
        skips: whether such a step, of which nothing was applied, is counted; else it stops the run.
        every: steps between looks. Each look waits for the device.

    Attributes:
        skipped: how many steps were.
    """

    def __init__(self, console, folder=None, skips=False, every=1):
        if skips and every > 1:
            raise UserError(
                f"--skip_nonfinite decides after each step, --steps_per_execution={every} looks "
                "only after "
                f"every {every}: leave one of them out."
            )
        self.console, self.folder, self.skips, self.every = console, folder, skips, every
        self.skipped, self._unseen = 0, []

    def take(self, step, problem, batch, result):
        """Takes the result of step number `step`, from 1, of a problem, by name.

        Raises:
            UserError: as `look`.
        """
        self._unseen.append((step, problem, batch, result))
        if len(self._unseen) >= self.every:
            self.look()

    def look(self):
        """Looks at all that was taken.

        Raises:
            UserError: if a step was not finite and is not to be skipped.
        """
        unseen, self._unseen = self._unseen, []
        for step, problem, batch, result in unseen:
            if not bool(result["finite"]):
                self._not_finite(
                    step, problem, batch, float(result["loss"]), float(result["gradient_norm"])
                )

    def _not_finite(self, step, problem, batch, loss, norm):
        told = f"The loss of {problem} is {loss} (gradient norm {norm}) at step {step}"
        if self.skips:
            self.skipped += 1
            self.console.log(f"{told}; it is skipped, the {self.skipped}. so far")
            return
        where = ""
        if self.folder:
            path = self.folder / f"nonfinite-{step}-{problem}.npz"
            np.savez(path, **{key: value.numpy() for key, value in batch.items()})
            where = f" Its batch is in {path}."
        raise UserError(
            f"{told}. Nothing of it was saved.{where} Start again from the last checkpoint (the "
            "same command) with a "
            "lower learning_rate, more warmup_steps or a smaller clip_norm, or with "
            "--skip_nonfinite."
        )
