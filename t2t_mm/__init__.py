"""One model for many tasks and modalities: registries of problems and hyperparameters, one
command."""

from t2t_mm import registry

__all__ = ["load", "registry"]
__version__ = "0.1.0"


def load(directory):
    """A trained model, to `predict(problem, inputs)` with.

    Args:
        directory: the output directory of a run (inference.run.RunPredictor), or one that was
            exported to (inference.exported.ExportedPredictor).
    """
    from pathlib import Path

    folder = Path(directory).expanduser()
    if any(folder.glob("saved_model.pb")) or any(folder.glob("[0-9]*/saved_model.pb")):
        from t2t_mm.inference.exported import ExportedPredictor

        return ExportedPredictor(folder)
    from t2t_mm.inference.run import RunPredictor

    return RunPredictor(directory)
