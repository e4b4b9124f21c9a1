"""A model of one's own, with a hyperparameter of its own."""

import dataclasses

from t2t_mm import registry
from t2t_mm.config.fields import field
from t2t_mm.config.hparams import HParams


@dataclasses.dataclass(frozen=True)
class DampedHParams(HParams):
    """The hyperparameters of every model, and one more."""

    damping: float = field(0.5, "what the encoding is multiplied by", low=0.0)


@registry.register_model(hparams=DampedHParams)
def damped():
    """The MultiModel with a damped encoding."""
    from t2t_mm.models.multimodel import MultiModel

    class Damped(MultiModel):
        def _encode(self, problem, batch, training):
            encoding, *rest = super()._encode(problem, batch, training)
            return encoding * self.hparams.damping, *rest

    return Damped
