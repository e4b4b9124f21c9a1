"""The metrics of decoded text by name. Nothing of them is measured with the true previous targets
at hand.

from t2t_mm.evaluation.metrics.decoded import metric
metric("bleu").score(["the cat sat"], [["the cat sat down", "a cat sat"]], bootstrap=1000)
"""

import difflib

from t2t_mm.errors import UserError

# Each of these registers what it defines.
from t2t_mm.evaluation.metrics import brackets, captions, error_rates, exact, translation  # noqa: F401
from t2t_mm.evaluation.metrics.scoring import METRICS, Metric


def metric(name: str) -> Metric:
    """The metric called `name`.

    Raises:
        UserError: there is none; the message names the nearest, and all.
    """
    if name not in METRICS:
        near = difflib.get_close_matches(name, METRICS, n=1)
        hint = f", did you mean {near[0]}?" if near else ";"
        raise UserError(f"Unknown metric '{name}'{hint} there are {', '.join(sorted(METRICS))}.")
    return METRICS[name]
