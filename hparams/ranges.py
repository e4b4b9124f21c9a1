"""Ranges to search, for `t2t-mm-tune --range=name`."""

from t2t_mm import registry
from t2t_mm.tuning.ranges import Range


@registry.register_ranged_hparams
def multimodel_range() -> dict[str, Range | list]:
    """How the MultiModel is optimised and regularised, for any of its sets.

    The learning rate decides most, and depends on optimizer and width: Muon's 3e-2 in the small
    sets and Adam's 1e-3 in the large ones both lie within. A longer warm-up allows a higher rate.
    Weight decay bounds the matrices that Muon's steps, all of one size, let grow; dropout and label
    smoothing matter where data is short. The clip norm decides how much a problem with large
    gradients outweighs the others. What makes steps slower, or the model larger, is left out: by
    the value after so many steps the largest would always win.
    """
    return {
        "learning_rate": Range(3e-4, 1e-1),
        "warmup_steps": Range(10, 1000),
        "weight_decay": [0.0, 0.03, 0.1, 0.3],
        "dropout": [0.0, 0.1, 0.2, 0.3],
        "label_smoothing": [0.0, 0.1],
        "clip_norm": Range(0.03, 1.0),
    }
