"""One model for many tasks and modalities: registries of problems and hyperparameters, one command."""

from t2t_mm import registry

__all__ = ["load", "registry"]
__version__ = "0.1.0"


def load(output_dir):
    """The trained model of an output directory, a predictor.Predictor: `load(output_dir).predict(problem, inputs)`."""
    from t2t_mm.predictor import Predictor

    return Predictor(output_dir)
