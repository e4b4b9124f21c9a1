"""One model for many tasks and modalities: registries of problems and hyperparameters, one command.

    import t2t_mm

    t2t_mm.load("output/mini8").predict("mini_ende", "I see two red rings.")

What users import is here by name, and costs nothing before it is used: importing the package
imports neither TensorFlow nor Keras.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

from t2t_mm import registry

if TYPE_CHECKING:  # what `_PUBLIC` gives, for type checkers and editors
    from t2t_mm.config.hparams import HParams
    from t2t_mm.config.run import RunConfig
    from t2t_mm.data.readers.base import Reader
    from t2t_mm.evaluation.metrics.scoring import Metric
    from t2t_mm.inference.exported import ExportedPredictor
    from t2t_mm.inference.run import RunPredictor
    from t2t_mm.modalities.audio.spec import Audio
    from t2t_mm.modalities.base import Modality
    from t2t_mm.modalities.categorical.spec import Categorical
    from t2t_mm.modalities.image.spec import Image
    from t2t_mm.modalities.language.spec import Language
    from t2t_mm.modalities.multi_label.spec import MultiLabel
    from t2t_mm.modalities.real.spec import Real
    from t2t_mm.modalities.series.spec import Series
    from t2t_mm.problem.base import Problem, Source
    from t2t_mm.problem.parsing import TreeProblem
    from t2t_mm.training.hooks.base import Hook
    from t2t_mm.training.trainer import Trainer
    from t2t_mm.tuning.ranges import Range

__version__ = "0.1.0"

# TensorFlow's start-up messages, of which none asks for anything, would bury ours, in each command,
# worker and notebook. It reads this when it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Public name -> the module that defines it.
_PUBLIC = {
    "Audio": "t2t_mm.modalities.audio.spec",
    "Categorical": "t2t_mm.modalities.categorical.spec",
    "HParams": "t2t_mm.config.hparams",
    "Hook": "t2t_mm.training.hooks.base",
    "Image": "t2t_mm.modalities.image.spec",
    "Language": "t2t_mm.modalities.language.spec",
    "Metric": "t2t_mm.evaluation.metrics.scoring",
    "Modality": "t2t_mm.modalities.base",
    "MultiLabel": "t2t_mm.modalities.multi_label.spec",
    "Problem": "t2t_mm.problem.base",
    "Range": "t2t_mm.tuning.ranges",
    "Reader": "t2t_mm.data.readers.base",
    "Real": "t2t_mm.modalities.real.spec",
    "RunConfig": "t2t_mm.config.run",
    "Series": "t2t_mm.modalities.series.spec",
    "Source": "t2t_mm.problem.base",
    "Trainer": "t2t_mm.training.trainer",
    "TreeProblem": "t2t_mm.problem.parsing",
}
__all__ = [
    "Audio",
    "Categorical",
    "HParams",
    "Hook",
    "Image",
    "Language",
    "Metric",
    "Modality",
    "MultiLabel",
    "Problem",
    "Range",
    "Reader",
    "Real",
    "RunConfig",
    "Series",
    "Source",
    "Trainer",
    "TreeProblem",
    "load",
    "registry",
]


if not TYPE_CHECKING:  # or checkers would take any name for public

    def __getattr__(name: str) -> Any:
        if name not in _PUBLIC:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if _PUBLIC[name].startswith("t2t_mm.training"):
            _import_tensorflow()
        value = globals()[name] = getattr(importlib.import_module(_PUBLIC[name]), name)
        return value


def _import_tensorflow() -> None:
    from t2t_mm.quiet import import_tensorflow

    import_tensorflow()


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})


def load(
    directory: str | os.PathLike, checkpoint: str | int = "newest"
) -> "RunPredictor | ExportedPredictor":
    """A trained model, to `predict(problem, inputs)` with.

    Args:
        directory: the output directory of a run (inference.run.RunPredictor), or one that was
            exported to (inference.exported.ExportedPredictor); where there is none of that name, a
            preset: "mini8" (see `t2t_mm.presets`).
        checkpoint: of a run "newest", "best" (what --keep_best kept) or a step; of an export
            "newest" or a step.

    Raises:
        UserError: if there is no such model.
    """
    from t2t_mm import presets

    folder = presets.found(directory)
    _import_tensorflow()
    if any(folder.glob("saved_model.pb")) or any(folder.glob("[0-9]*/saved_model.pb")):
        from t2t_mm.inference.exported import ExportedPredictor

        return ExportedPredictor(folder, checkpoint)
    from t2t_mm.inference.run import RunPredictor

    return RunPredictor(folder, checkpoint)
