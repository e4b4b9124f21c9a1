"""The hooks of every run, in their order."""

from t2t_mm.config.run import RunConfig
from t2t_mm.execution.signals import StopSignals
from t2t_mm.training.hooks.base import Hook
from t2t_mm.training.hooks.evaluate import Evaluate
from t2t_mm.training.hooks.keep_best import KeepBest
from t2t_mm.training.hooks.nonfinite import NonFiniteGuard
from t2t_mm.training.hooks.progress import ShowProgress
from t2t_mm.training.hooks.saver import Saver
from t2t_mm.training.hooks.signals import StopOnSignal
from t2t_mm.training.hooks.status import Status
from t2t_mm.training.hooks.tensorboard import TensorBoard


def default_hooks(config: RunConfig, signals: StopSignals) -> list[Hook]:
    """The built-in hooks that a run needs.

    The order counts: the guard sees a step before it is shown, saved or evaluated; a checkpoint is
    written before the evaluation of the same step; at the end, in the opposite order, the last
    checkpoint is written while signals are still requests, and the status is written last.
    """
    every, progress = config.steps_per_execution, ShowProgress()
    hooks: list[Hook] = [
        Status(),
        NonFiniteGuard(config.skip_nonfinite, every),
        progress,
        TensorBoard(progress),
        StopOnSignal(signals, every),
        Saver(config.save_every),
    ]
    if config.mode == "train_and_evaluate" and config.eval_every:
        hooks.append(Evaluate(config.eval_every, last=bool(config.keep_best)))
    if config.keep_best:
        hooks.append(KeepBest(config.keep_best, config.patience))
    return hooks
