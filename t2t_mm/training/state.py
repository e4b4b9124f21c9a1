"""What training changes, and what a checkpoint holds."""

import contextlib
import dataclasses
from collections.abc import Sequence

import keras

from t2t_mm import registry
from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.execution.determinism import seeded
from t2t_mm.execution.precision import dtype_policy
from t2t_mm.execution.replicas import Replicas
from t2t_mm.layers.shares import shared_out
from t2t_mm.problem.base import Problem
from t2t_mm.runs.names import named_variables
from t2t_mm.training import expert_parallel
from t2t_mm.training.averaging import MovingAverage
from t2t_mm.training.optimizers import make_optimizer


@dataclasses.dataclass
class TrainState:
    """The state of a run.

    Attributes:
        model: the Keras model.
        optimizer: built over the trainable variables in the order of their names.
        average: the moving average of the weights, if hparams ask for one.
        step: how many steps the model has been trained.
    """

    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    average: MovingAverage | None = None
    step: int = 0

    @classmethod
    def create(
        cls, problems: Sequence[Problem], hparams: HParams, config: RunConfig, replicas: Replicas
    ) -> "TrainState":
        """A fresh state; initial values follow from `config.seed`."""
        exchange = expert_parallel.exchange_for(config, hparams, replicas)
        with replicas.scope(), dtype_policy(config.precision), seeded(config.seed):
            with shared_out(exchange):
                model = registry.model(config.model)(hparams, problems)
            expert_parallel.check(config, model, replicas)
            trainable = {
                name: v for name, v in sorted(named_variables(model).items()) if v.trainable
            }
            optimizer = make_optimizer(hparams, list(trainable.values()))
            average = MovingAverage(trainable, hparams.ema_decay) if hparams.ema_decay else None
        return cls(model, optimizer, average)

    def evaluated(self) -> contextlib.AbstractContextManager[None]:
        """Within it the model has the weights that are evaluated: the averages, if there are
        such."""
        return self.average.in_use() if self.average else contextlib.nullcontext()
