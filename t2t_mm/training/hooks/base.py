"""The protocol of hooks: what the training loop calls, and what a hook may use of the trainer."""

import contextlib
import dataclasses
from pathlib import Path
from typing import Any, Protocol

import keras
import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.data.pipeline.mixing import Mixture
from t2t_mm.data.pipeline.stream import Inputs
from t2t_mm.evaluation.evaluation import Evaluation
from t2t_mm.execution.replicas import Replicas
from t2t_mm.reporting.console import Console
from t2t_mm.reporting.tensorboard import Summaries
from t2t_mm.runs.directory import OutputDir


@dataclasses.dataclass(frozen=True)
class StepResult:
    """What one training step gave.

    Attributes:
        step: number of the step, counted from 1 at the very first.
        problem: name of the problem that was trained.
        batch: this worker's part of the batch.
        values: {"loss", "nats", "tokens", "gradient_norm", "finite", "experts"}, see
            `TrainStep.__call__`. Tensors: to read one waits for the device.
        learning_rate: of this step.
        seconds: that the batch and the step took, as far as the step was waited for.
    """

    step: int
    problem: str
    batch: dict[str, tf.Tensor]
    values: dict[str, Any]
    learning_rate: float
    seconds: float


class Training(Protocol):
    """What a hook may use of the trainer.

    Attributes:
        config, hparams: options and hyperparameters of the run.
        mixture: how often each problem is trained.
        inputs: the training batches.
        replicas: the devices that share a batch.
        console: where to log.
        output: the output directory; None if there is none.
        folder: its path, where this process writes to it; else None.
        summaries: TensorBoard's; None where nothing is written.
        until: the step at which this call of `train` ends.
        paused: seconds that were not spent on training, see `aside`.
    """

    config: RunConfig
    hparams: HParams
    mixture: Mixture
    inputs: Inputs
    replicas: Replicas
    console: Console
    output: OutputDir | None
    folder: Path | None
    summaries: Summaries | None
    until: int
    paused: float

    @property
    def model(self) -> keras.Model:
        """The Keras model."""

    @property
    def step(self) -> int:
        """How many steps the model has been trained."""

    def save(self, wait: bool = True) -> None:
        """Writes a checkpoint, if the model was trained since the last one."""

    def check_saved(self) -> None:
        """Raises a UserError if a checkpoint could not be written."""

    def evaluate(self, split: str | None = None, max_batches: int | None = None) -> dict:
        """Evaluates all problems; calls `evaluated` of all hooks."""

    def stop(self, reason: str) -> None:
        """Ends training after this step, as if it were the last."""

    def leave(self) -> None:
        """Saves, and ends the process as SIGTERM and Ctrl-C want it."""

    def aside(self) -> contextlib.AbstractContextManager[None]:
        """Calls `flush` of all hooks; what is done within does not count as training time."""


class Hook:
    """Something that happens around training steps. Subclasses override what they need; a user's
    own are given to the trainer:

        class Watch(Hook):
            def after_step(self, trainer, result):
                if result.step % 100 == 0:
                    print(result.problem, float(result.values["nats"]))

        Trainer(problems, hparams, config, "output", hooks=[Watch()]).train()

    Hooks are called in their order, the built-in ones first; at the end in the opposite order. What
    a hook raises ends the training.
    """

    def begin(self, trainer: Training) -> None:
        """Before the first step of a call of `train`, when a checkpoint has been restored."""

    def before_step(self, trainer: Training) -> None:
        """Before each step, and its batch."""

    def after_step(self, trainer: Training, result: StepResult) -> None:
        """After each step; the device may still be working on it."""

    def flush(self, trainer: Training) -> None:
        """A checkpoint or an evaluation is about to rely on the steps so far: finish what is
        pending."""

    def evaluated(self, trainer: Training, evaluation: Evaluation) -> None:
        """After an evaluation, within training or not."""

    def end(self, trainer: Training, error: BaseException | None) -> None:
        """After the last step.

        Args:
            error: what ended the training early; None if it ran to its end.
        """
