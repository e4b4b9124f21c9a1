"""A problem of one's own, on a modality and a reader of one's own."""

from t2t_mm import registry
from t2t_mm.features import Language
from t2t_mm.problem import Problem

from .gauges import Gauges


@registry.register_problem
class Tides(Problem):
    """From the levels at two gauges to what the water does."""

    raw_layout = "level_files"
    input_key, target_key = "levels", "words"
    command = "to-tides"
    inputs = Gauges(channels=2)
    targets = Language(vocab="tide.words", units="symbols")
    metrics = ("words_right",)
    modifiers = ()
