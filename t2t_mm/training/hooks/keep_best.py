"""Keeps the checkpoint of the best evaluation, and ends training when none gets better."""

from t2t_mm.evaluation.evaluation import Evaluation
from t2t_mm.runs.best import Best
from t2t_mm.training.hooks.base import Hook, Training


class KeepBest(Hook):
    """Keeps the best checkpoint by one metric in `<output_dir>/best`.

    Args:
        metric: "wmt_ende/log_perplexity".
        patience: evaluations without a better one after which training ends; 0: never.

    Attributes:
        best: the evaluations of this run and of those before it; None outside training.
    """

    def __init__(self, metric: str, patience: int = 0) -> None:
        self.metric, self.patience = metric, patience
        self.best: Best | None = None

    def begin(self, trainer: Training) -> None:
        """Reads the evaluations made before, and makes the one that a stop may have prevented."""
        path = trainer.output.path / "best.json" if trainer.output else None
        self.best = Best(self.metric, path, self.patience)
        self.best.resume(trainer.step)
        every = trainer.config.eval_every
        is_due = trainer.step and every and trainer.step % every == 0
        if is_due and trainer.step not in self.best.values:
            with trainer.aside():
                trainer.evaluate()
        self._check_patience(trainer)

    def evaluated(self, trainer: Training, evaluation: Evaluation) -> None:
        """Keeps the checkpoint if it is the best; ends training when patience is at its end."""
        if not self.best or evaluation.split != trainer.config.eval_split:
            return
        if self.best.update(evaluation.step, evaluation.results) and trainer.output:
            trainer.save()
            if trainer.folder:
                self.best.keep(trainer.output.checkpoints / f"ckpt-{evaluation.step}")
            trainer.console.log(
                f"Best {self.metric} so far: {self.best.shown} at step {self.best.step:,}, "
                "kept in best/"
            )
        if trainer.folder:
            self.best.write()  # last: what it says is kept, is
        self._check_patience(trainer)

    def end(self, trainer: Training, error: BaseException | None) -> None:
        """From here on evaluations decide nothing."""
        self.best = None

    def _check_patience(self, trainer):
        if self.best.is_over:
            trainer.stop(f"{self.best.verdict()}: training ends here.")
