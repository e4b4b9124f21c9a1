"""One model for many tasks and modalities: registries of problems and hyperparameters, one command."""

from t2t_mm import registry

__all__ = ["registry"]
__version__ = "0.1.0"
