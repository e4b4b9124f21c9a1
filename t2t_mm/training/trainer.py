"""The trainer: many problems, one model, any number of devices."""

import contextlib
import functools
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.data.pipeline.mixing import Mixture
from t2t_mm.data.pipeline.stream import Inputs
from t2t_mm.errors import UserError
from t2t_mm.evaluation.evaluation import RunEvaluator
from t2t_mm.evaluation.evaluator import Results, Stopped
from t2t_mm.execution.replicas import Replicas
from t2t_mm.execution.signals import StopSignals
from t2t_mm.execution.strategies import make_strategy
from t2t_mm.problem.base import Problem, check_nets
from t2t_mm.reporting import tables
from t2t_mm.reporting.console import Console
from t2t_mm.reporting.tensorboard import Summaries
from t2t_mm.runs.checkpoints import Checkpoints
from t2t_mm.runs.directory import OutputDir
from t2t_mm.training import restoring
from t2t_mm.training.hooks.base import Hook, StepResult
from t2t_mm.training.hooks.defaults import default_hooks
from t2t_mm.training.schedules import learning_rate
from t2t_mm.training.state import TrainState
from t2t_mm.training.step import TrainStep


class Trainer:
    """Trains and evaluates one model on several problems; goes on from the newest checkpoint of its
    output directory.

        config = RunConfig(train_steps=2000)
        trainer = Trainer([problem], registry.hparams("multimodel_tiny"), config, "out")
        trainer.train(1000)
        trainer.evaluate("validation")["mini_ende"]["log_perplexity"]
        trainer.train()

    Each step trains one problem, sampled from (seed, step) alone. Parts that a problem shares with
    no earlier one are compiled at its first step. Nothing is read from the output
    directory or written to it before `resume`, `train` or `evaluate` is called.

    Args:
        problems: resolved problems.
        hparams: hyperparameters.
        config: options of the run. It trains on the devices of `config.strategy`, or of the
            `tf.distribute` strategy in whose scope the trainer is made; with several workers each
            makes a trainer, and all call the same methods.
        output_dir: where checkpoints, summaries and metrics go; None keeps nothing.
        hooks: of your own, called after the built-in ones.
        console: where to log; standard output, if not given.

    Attributes:
        state: model, optimizer, average of the weights, step.
        mixture: how often each problem is trained.
        until: the step at which the current call of `train` ends.
        paused: seconds that were spent on other things than training steps, see `aside`.
        evaluated: the step of the last evaluation; None before the first.
        folder: the output directory, where this process writes to it; else None.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        hparams: HParams,
        config: RunConfig | None = None,
        output_dir: str | os.PathLike | None = None,
        hooks: Sequence[Hook] = (),
        console: Console | None = None,
    ) -> None:
        self.hparams, self.config = hparams, config or RunConfig()
        self.console = console or Console()
        check_nets(problems)
        self.problems = list(problems)
        names, weights = [problem.name for problem in problems], self.config.weights()
        if weights and set(weights) != set(names):
            raise UserError(
                f"The options name the problems {', '.join(weights)}, but given are "
                f"{', '.join(names)}."
            )
        if not weights:  # so that they are recorded
            self.config = self.config.replace(problems="+".join(names))
        strategy = None if tf.distribute.has_strategy() else make_strategy(self.config.strategy)
        self.replicas = Replicas(strategy)
        self.output = OutputDir(output_dir) if output_dir is not None else None
        writes = self.output if self.replicas.is_chief else None
        self.folder: Path | None = writes.path if writes else None
        settings = hparams.to_dict() | self.config.decisive()
        self.summaries = Summaries(writes.tensorboard, settings) if writes else None
        self.mixture = Mixture.of(self.problems, hparams, weights, self.config.seed)
        self.state = TrainState.create(self.problems, hparams, self.config, self.replicas)
        self._train_step = TrainStep(
            self.state.model,
            self.state.optimizer,
            hparams,
            self.state.average,
            self.replicas,
            self.config.jit_compile,
            waits=self.config.steps_per_execution == 1,
        )
        static = self.config.jit_compile or self.replicas.is_tpu
        share = (self.replicas.worker, self.replicas.workers)
        self.inputs = Inputs(
            self.problems, hparams, self.config.seed, static, share, self.console.log
        )
        self._evaluator = RunEvaluator(
            self.model, self.problems, hparams, self.config, self.replicas, bool(self.output)
        )
        self._checkpoints = self._make_checkpoints()
        self._signals = StopSignals()
        self.hooks = [*default_hooks(self.config, self._signals), *hooks]
        self.until, self.paused, self.evaluated = 0, 0.0, None
        self._saved, self._is_aside, self._is_resumed, self._is_described = 0, False, False, False
        self._stop_reason = ""

    @property
    def model(self) -> keras.Model:
        """The Keras model."""
        return self.state.model

    @property
    def step(self) -> int:
        """How many steps the model has been trained."""
        return self.state.step

    def _make_checkpoints(self) -> Checkpoints | None:
        if not self.output:
            return None
        return Checkpoints(
            self.output.checkpoints,
            self.model,
            self.state.optimizer,
            self.config.keep_checkpoints,
            self.inputs,
            self.state.average,
            self.replicas,
            self.console.log,
        )

    # ----------------------------------------------------------------------------------------------
    # training

    def train(self, until: int | None = None) -> None:
        """Trains until step `until`, counted from the very first, also of runs before (None:
        `config.train_steps`), then saves.

        Raises:
            UserError: if the output directory can't be written to or is of another run, if another
                process trains in it, if a loss is not finite, or a checkpoint can't be written. The
                checkpoints before stay.
            Terminated: after SIGTERM, when all is saved. After Ctrl-C, KeyboardInterrupt.
        """
        with self.replicas.watching(), self._alone():
            self.resume()
            self.until = self.config.train_steps if until is None else until
            self._stop_reason = ""
            if self.step >= self.until:
                self.console.log(
                    f"The model has been trained for {self.step:,} steps: "
                    f"train_steps={self.until:,} leaves nothing to train."
                )
            self._prepare()
            with self._hooked():
                self._steps()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process trains in the output directory meanwhile."""
        if not self.folder:
            yield
            return
        self.output.check_writable()
        with self.output.alone():
            yield

    def _steps(self) -> None:
        """The loop."""
        while self.step < self.until and not self._stop_reason:
            for hook in self.hooks:
                hook.before_step(self)
            result = self._one_step()
            for hook in self.hooks:
                hook.after_step(self, result)
        if self._stop_reason:
            self.console.log(self._stop_reason)

    def _one_step(self) -> StepResult:
        """Trains the problem whose turn it is on its next batch."""
        started = time.monotonic()
        problem = self.mixture.at(self.step).name
        batch = self.inputs.next(problem, self.step)
        rate = learning_rate(self.hparams, self.step, self.config.train_steps)
        with self.replicas.scope():
            values = self._train_step(problem, batch, np.float32(rate))
        self.state.step += 1
        return StepResult(self.step, problem, batch, values, rate, time.monotonic() - started)

    def _prepare(self) -> None:
        """Checks that there is something to train on, and records the run."""
        without = [p.name for p in self.problems if not p.splits().get("train")]
        if without:
            raise UserError(
                f"There are no training examples for {', '.join(without)}. Prepare them with "
                "--generate_data, or leave them out of --problems."
            )
        if not self._is_described:
            tables.check_lengths(self.problems, self.hparams)
        if self.folder:
            self.output.record(self.hparams, self.mixture.problems, self.config)
            self.output.write_resumed(self.step)

    @contextlib.contextmanager
    def _hooked(self) -> Iterator[None]:
        """Calls `begin` of all hooks, and `end` of those that have begun, in the opposite order."""

        def end(hook, kind, error, trace):
            hook.end(self, error)

        with contextlib.ExitStack() as stack:
            for hook in self.hooks:
                hook.begin(self)
                stack.push(functools.partial(end, hook))
            yield

    # ----------------------------------------------------------------------------------------------
    # what hooks, too, use

    def stop(self, reason: str) -> None:
        """Ends training after this step, as if it were the last; `reason` is logged."""
        self._stop_reason = reason

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """What is done within is no training: results of the steps so far are looked at first, and
        the time is left out of the speed."""
        if self._is_aside:
            yield
            return
        self.flush()
        self._is_aside, started = True, time.monotonic()
        try:
            yield
        finally:
            self._is_aside = False
            self.paused += time.monotonic() - started

    def flush(self) -> None:
        """Has all hooks finish what is pending.

        Raises:
            UserError: if a step was not finite.
        """
        for hook in self.hooks:
            hook.flush(self)

    def save(self, wait: bool = True) -> None:
        """Writes a checkpoint, if the model was trained since the last one.

        Args:
            wait: until it is written; else that goes on beside the next steps.
        """
        self.flush()
        if self._checkpoints and self.step > self._saved:
            self._checkpoints.save(self.step)
            self._saved = self.step
        if self._checkpoints and wait:
            self._checkpoints.wait()

    def check_saved(self) -> None:
        """Raises a UserError if a checkpoint that was to be written beside could not be."""
        if self._checkpoints:
            self._checkpoints.check()

    def leave(self) -> None:
        """Saves, and ends the process as the signal that has come wants it."""
        self.save()
        how = "Interrupted" if self._signals.is_interrupt else "Asked to stop"
        self.console.log(f"{how}. Run it again to resume from step {self.step:,}.")
        self._signals.leave()

    # ----------------------------------------------------------------------------------------------
    # the output directory

    def resume(self) -> None:
        """Takes up the newest checkpoint of the output directory; without one the weights of
        `config.warm_start_from`. `train` and `evaluate` do so first; a second call does nothing.

        Raises:
            UserError: if the directory holds a checkpoint of another architecture, other problems
                or other vocabularies; nothing in it is changed.
        """
        if self._is_resumed:
            return
        restorer = restoring.Restorer(self.state, self.problems, self.replicas, self.console.log)
        if self.output:
            for line in restoring.check(self.output, self.problems, self.hparams, self.config):
                self.console.log(line)
            names = self.output.ordered(problem.name for problem in self.problems)
            self.mixture = self.mixture.ordered(self.replicas.from_chief(names))
            restorer.resume(self.output, self._checkpoints)
        if self.config.warm_start_from and not self.step:
            other = OutputDir(self.config.warm_start_from)
            config = self.config
            restorer.start_from(other, config.checkpoint, config.warm_start_rescale)
        self._saved, self._is_resumed = self.step, True

    def describe(self) -> None:
        """Logs what is trained: problems, batches, parameters."""
        self.resume()
        tables.log_problems(self.console, self.mixture.problems, self.mixture.rates, self.hparams)
        frozen = self._train_step.tuning.frozen.values()
        frozen = sum(v.value.shape.num_elements() for v in frozen)
        tables.log_parameters(self.console, self.model.parameter_counts(), frozen)
        self._is_described = True

    # ----------------------------------------------------------------------------------------------
    # evaluation

    def evaluate(self, split: str | None = None, max_batches: int | None = None) -> Results:
        """Evaluates all problems, prints a table and writes `metrics_<split>.json`.

        Args:
            split: "train", "validation" or "test"; `config.eval_split` if not given.
            max_batches: of each problem, 0 for the whole split; `config.eval_steps` if not given.

        Returns:
            {problem: {"examples", "tokens", "log_perplexity", "accuracy", ...}}; see
            evaluation.Evaluator.

        Raises:
            UserError: if no problem has the split.
            Terminated: after SIGTERM, when the state is saved. After Ctrl-C, KeyboardInterrupt.
        """
        self.resume()
        self.flush()
        split = split or self.config.eval_split
        batches = self.config.eval_steps if max_batches is None else max_batches
        with self._signals:
            try:
                with self.replicas.scope(), self.state.evaluated():
                    found = self._evaluator.run(self.step, split, batches, self._signals.asked)
            except Stopped:
                self.leave()
        self.evaluated = self.step
        if self.replicas.is_chief:
            found.publish(self.console, self.output, self.summaries)
        for hook in self.hooks:
            hook.evaluated(self, found)
        return found.results
