"""Records whether a run is being trained or has ended, for those who watch it."""

import contextlib

from t2t_mm.errors import UserError
from t2t_mm.execution.signals import Terminated
from t2t_mm.training.hooks.base import Hook, Training


class Status(Hook):
    """Keeps `<output_dir>/status.json`, which ends `--mode=evaluate --continuous`. The first hook:
    it is the last to end, and sees how."""

    def begin(self, trainer: Training) -> None:
        """The run is being trained."""
        if trainer.folder:
            trainer.output.write_status("training", trainer.step)

    def end(self, trainer: Training, error: BaseException | None) -> None:
        """The run has ended."""
        if not trainer.folder:
            return
        # Where the disk is full, the first error says so.
        with contextlib.suppress(UserError) if error else contextlib.nullcontext():
            trainer.output.write_status("ended", trainer.step, _reason(error))


def _reason(error: BaseException | None) -> str:
    if error is None:
        return "finished"
    if isinstance(error, KeyboardInterrupt | Terminated):
        return "interrupted"
    return f"{type(error).__name__}: {error}"
