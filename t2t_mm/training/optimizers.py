"""The registered optimizers, and how one is made for a run.

An optimizer is a function of the hyperparameters that returns a Keras optimizer, not built yet:

    @registry.register_optimizer
    def sgd(hparams):
        \"\"\"Momentum alone.\"\"\"
        return keras.optimizers.SGD(hparams.learning_rate, momentum=hparams.beta1)

Every step trains only the variables on one problem's path, and assigns the learning rate; clipping
is the train step's work, too.
"""

from typing import TYPE_CHECKING, Any

from t2t_mm import registry
from t2t_mm.errors import UserError

if TYPE_CHECKING:
    from t2t_mm.config.hparams import HParams


def make_optimizer(hparams: "HParams", variables: list[Any]) -> Any:
    """The Keras optimizer named by `hparams.optimizer`, built over all `variables` of a model.

    Weight decay is of what the optimizer says (`is_decayed(variable)`); of all but vectors, such as
    biases and LayerNorm scales, where it says nothing.
    """
    from t2t_mm.compat import updating_all_replicas
    from t2t_mm.layers.roles import role

    optimizer = updating_all_replicas(registry.optimizer(hparams.optimizer)(hparams))
    is_decayed = getattr(optimizer, "is_decayed", lambda v: role(v) != "vector")
    optimizer.exclude_from_weight_decay(var_list=[v for v in variables if not is_decayed(v)])
    optimizer.build(variables)
    return optimizer


def _adam(hparams: "HParams") -> dict[str, Any]:
    return {
        "learning_rate": float(hparams.learning_rate),
        "beta_1": hparams.beta1,
        "beta_2": hparams.beta2,
        "epsilon": hparams.epsilon,
    }


@registry.register_optimizer
def muon(hparams: "HParams") -> Any:
    """Muon for matrices, Adam for everything else; weight decay of the matrices only."""
    from t2t_mm.training.path_optimizers import Muon

    return Muon(**_adam(hparams), weight_decay=hparams.weight_decay or None)


@registry.register_optimizer
def adam(hparams: "HParams") -> Any:
    """Adam, which has no weight decay: that is `adamw`."""
    if hparams.weight_decay:
        raise UserError(
            f"optimizer=adam has no weight decay, but weight_decay={hparams.weight_decay}; "
            "use optimizer=adamw, or weight_decay=0."
        )
    from t2t_mm.training.path_optimizers import PathAdam

    return PathAdam(**_adam(hparams))


@registry.register_optimizer
def adamw(hparams: "HParams") -> Any:
    """Adam with decoupled weight decay of all but vectors."""
    from t2t_mm.training.path_optimizers import PathAdam

    return PathAdam(**_adam(hparams), weight_decay=hparams.weight_decay or None)


@registry.register_optimizer
def adafactor(hparams: "HParams") -> Any:
    """Adafactor, which keeps sums of rows and columns alone; decoupled decay of all but vectors."""
    from t2t_mm.training.path_optimizers import PathAdafactor

    # Squared, Keras' epsilon of 1e-30 is no float32, and a kernel's taps that no text reaches
    # would become NaN.
    return PathAdafactor(
        learning_rate=float(hparams.learning_rate),
        epsilon_1=1e-16,
        weight_decay=hparams.weight_decay or None,
    )
