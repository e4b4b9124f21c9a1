"""Evaluation of the checkpoints of a run without training: nothing but the model is built."""

import contextlib
import time
from collections.abc import Iterator, Sequence

from t2t_mm import registry
from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.evaluation.evaluation import RunEvaluator
from t2t_mm.evaluation.evaluator import Stopped
from t2t_mm.execution.compiled import CompiledParts
from t2t_mm.execution.determinism import seeded
from t2t_mm.execution.precision import dtype_policy
from t2t_mm.execution.replicas import Replicas
from t2t_mm.execution.signals import StopSignals
from t2t_mm.inference.run import put_weights
from t2t_mm.problem.base import Problem
from t2t_mm.reporting.console import Console
from t2t_mm.reporting.tensorboard import Summaries
from t2t_mm.runs.corruption import CorruptCheckpoint, read_chosen
from t2t_mm.runs.directory import OutputDir
from t2t_mm.runs.paths import found, step_of


class CheckpointEvaluator:
    """Evaluates checkpoints of a run: those of moving averages, where there are such.

    Args:
        output: of the run.
        problems: resolved problems of the run.
        hparams: of the run.
        config: options; its model is that of the run.
        replicas: the devices to evaluate on.
        console: where to log.
    """

    def __init__(
        self,
        output: OutputDir,
        problems: Sequence[Problem],
        hparams: HParams,
        config: RunConfig,
        replicas: Replicas,
        console: Console,
    ) -> None:
        output.check_hparams(hparams)
        output.check_problems(problems)
        self.output, self.config, self.replicas = output, config, replicas
        self.console, self.signals = console, StopSignals()
        with replicas.scope(), dtype_policy(config.precision), seeded(config.seed):
            self.model = registry.model(config.model)(hparams, problems)
        self.model.run_part = CompiledParts(config.jit_compile)
        self._evaluator = RunEvaluator(self.model, problems, hparams, config, replicas, draws=True)
        trained = output.recorded_config() or config
        self._summaries = Summaries(output.tensorboard, hparams.to_dict() | trained.decisive())

    def one(self) -> None:
        """Evaluates the checkpoint that `config.checkpoint` names; of the newest, that is intact.

        Raises:
            UserError: if there is none, or it doesn't fit.
            Terminated: after SIGTERM, between two batches. After Ctrl-C, KeyboardInterrupt.
        """
        which, log = self.config.checkpoint, self.console.log
        with self.signals:
            self._evaluate(read_chosen(self.output, which, self._load, log))

    def follow(self, every: float = 5.0) -> None:
        """Evaluates each new checkpoint that a training run writes, until the run ends or has
        reached `config.train_steps`.

        Args:
            every: seconds between looks.

        Raises:
            Terminated: after SIGTERM, between two batches. After Ctrl-C, KeyboardInterrupt.
        """
        with self.signals:
            done = 0
            while done < self.config.train_steps:
                has_ended = self.output.has_ended()  # first: what is written after it is seen
                step = self._load_newer(done)
                if step:
                    self._evaluate(step)
                    done = step
                elif has_ended:
                    return
                else:
                    self._wait(every)

    def _load_newer(self, step: int) -> int:
        """Loads the newest checkpoint after `step` that can be read, and returns its step; 0 if
        there is none."""
        for path in reversed(found(self.output.checkpoints)):
            if step_of(path) <= step:
                break
            with contextlib.suppress(CorruptCheckpoint):  # or dropped while it was read
                return self._load(path)
        return 0

    def _load(self, path: str) -> int:
        with self.replicas.scope():
            return put_weights(self.model, path)

    def _evaluate(self, step: int) -> None:
        with self._stopping():
            evaluation = self._evaluator.run(
                step, self.config.eval_split, self.config.eval_steps, self.signals.asked
            )
        if self.replicas.is_chief:
            evaluation.publish(self.console, self.output, self._summaries)

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with self._stopping():
            while time.monotonic() < end:
                if self.signals.asked():
                    raise Stopped
                time.sleep(min(0.2, seconds))

    @contextlib.contextmanager
    def _stopping(self) -> Iterator[None]:
        try:
            yield
        except Stopped:
            self.console.log("Stopped.")
            self.signals.leave()
