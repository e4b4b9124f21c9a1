"""Ranges to search, for `t2t-mm-tune --range=name`. What makes steps slower or the model larger is
in none of them: by the value after so many steps the largest would always win."""

from t2t_mm import registry
from t2t_mm.tuning.ranges import Range


@registry.register_ranged_hparams
def multimodel_range() -> dict[str, Range | list]:
    """How a set that is trained by Muon learns: `multimodel_tiny`, `_small`, `transformer_tiny`.

    The learning rate decides most; a longer warm-up allows a higher one. Muon's steps are all of
    one size, and weight decay bounds how far matrices grow under them. Dropout and label smoothing
    matter where data is short. The clip norm decides how much a problem with large gradients
    outweighs the others.
    """
    return {
        "learning_rate": Range(2e-3, 2e-1),
        "warmup_steps": Range(10, 1000),
        "weight_decay": [0.0, 0.03, 0.1, 0.3],
        "dropout": [0.0, 0.1, 0.2, 0.3],
        "label_smoothing": [0.0, 0.1],
        "clip_norm": Range(0.03, 1.0),
    }


@registry.register_ranged_hparams
def multimodel_adam_range() -> dict[str, Range | list]:
    """How a set that is trained by Adam learns: `multimodel_base`, `_paper`.

    Adam's rates are a tenth of Muon's and less, and depend on how long its means of squares last.
    It has no weight decay.
    """
    rest = {name: each for name, each in multimodel_range().items() if name != "weight_decay"}
    return rest | {"learning_rate": Range(1e-4, 1e-2), "beta2": [0.95, 0.98, 0.999]}
