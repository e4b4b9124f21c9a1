"""How long the examples of a problem are, and which of them training leaves out."""

import numpy as np

from t2t_mm.config.hparams import HParams
from t2t_mm.data.pipeline.cost import boundaries, cost, fits, limit
from t2t_mm.data.pipeline.summary import measured
from t2t_mm.problem.base import Problem

SHARES = (0, 5, 50, 95, 100)  # per cent


def table(problem: Problem, hparams: HParams, scan: int) -> tuple[list, list]:
    """(columns, rows) of body positions of the inputs and tokens of the targets, over up to `scan`
    training
    examples: least, median, most, and what 5% and 95% don't exceed."""
    positions, lengths = measured(problem.configure(hparams), scan)
    rows = [
        [
            name,
            *(int(np.percentile(values, share, method="nearest")) for share in SHARES),
            float(values.mean()),
        ]
        for name, values in (("input positions", positions), ("target tokens", lengths))
    ]
    return ["length", "least", "5%", "median", "95%", "most", "mean"], rows


def buckets(problem: Problem, hparams: HParams, scan: int) -> tuple[list, list]:
    """(columns, rows) of the buckets of training: the cost up to which they go, their share of the
    examples, how many fill a batch; the last row is what is too long and left out."""
    problem = problem.configure(hparams)
    positions, lengths = measured(problem, scan)
    kept = np.broadcast_to(fits(problem, hparams, positions, lengths), positions.shape)
    costs = cost(problem, positions, lengths)
    edges = boundaries(hparams, limit(problem, hparams))
    bucket = np.searchsorted(edges, costs)
    rows = [
        [
            f"up to {edge}",
            f"{(kept & (bucket == index)).mean():.1%}",
            max(1, hparams.batch_size // int(edge)),
        ]
        for index, edge in enumerate(edges)
        if (kept & (bucket == index)).any()
    ]
    return ["bucket", "examples", "in a batch"], [
        *rows,
        ["too long", f"{(~kept).mean():.1%}", None],
    ]
