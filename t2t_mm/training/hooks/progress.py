"""Shows how training goes: progress, what was compiled, and at the end how often each problem was
trained."""

from t2t_mm.reporting import tables
from t2t_mm.reporting.progress import Progress
from t2t_mm.training.hooks.base import Hook, StepResult, Training


class ShowProgress(Hook):
    """Progress as a bar or as lines.

    Attributes:
        shown: the Progress; None before training.
        compiled: (problem, shapes) of each step that was compiled; no shapes where they don't
            matter.
    """

    def __init__(self) -> None:
        self.shown: Progress | None = None
        self.compiled: set[tuple] = set()
        self._paused = 0.0

    def begin(self, trainer: Training) -> None:
        """Starts to show it."""
        self._paused = trainer.paused
        self.shown = Progress(trainer.console, trainer.step, trainer.until)
        self.shown.__enter__()

    def after_step(self, trainer: Training, result: StepResult) -> None:
        """Counts the step; the first one of a problem, which compiles, takes no part in the
        speed."""
        self._leave_out_pauses(trainer)
        is_new = self._is_new(trainer, result)
        if is_new:
            self.shown.pause(result.seconds)
        examples = result.batch["targets"].shape[0] * trainer.replicas.workers
        self.shown.step(result.step, result.problem, result.values, examples, timed=not is_new)

    def flush(self, trainer: Training) -> None:
        """Fetches results that are pending."""
        if self.shown:
            self._leave_out_pauses(trainer)
            self.shown.look()

    def end(self, trainer: Training, error: BaseException | None) -> None:
        """Shows the end, and each problem's share of the steps."""
        self._leave_out_pauses(trainer)
        if error is None:
            self.shown.look(final=True)
        self.shown.__exit__(None, None, None)
        totals, self.shown = self.shown.totals, None
        if totals and error is None:
            tables.log_shares(trainer.console, totals, trainer.mixture.shares())

    def _leave_out_pauses(self, trainer):
        self.shown.pause(trainer.paused - self._paused)
        self._paused = trainer.paused

    def _is_new(self, trainer, result) -> bool:
        """Whether the step was compiled; logs it then."""
        batch, by_shape = result.batch, trainer.config.jit_compile
        inputs = sorted(k for k in batch if k.startswith("inputs") and not k.endswith("_mask"))
        shapes = tuple(batch[key].shape for key in (*inputs, "targets")) if by_shape else ()
        if (result.problem, shapes) in self.compiled:
            return False
        self.compiled.add((result.problem, shapes))
        each = f" for {', '.join(map(str, shapes[:-1]))} to {shapes[-1]}" if by_shape else ""
        most = len(trainer.mixture.problems)
        if by_shape:
            most = f"at most {trainer.inputs.most_shapes()}"
        trainer.console.log(
            f"Compiled the step of {result.problem}{each} in {result.seconds:.1f} s "
            f"({len(self.compiled)} of {most})"
        )
        return True
