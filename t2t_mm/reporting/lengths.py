"""How long the examples of a problem are, and which of them training leaves out."""

import numpy as np

from t2t_mm.data.pipeline import batching

SHARES = (0, 5, 50, 95, 100)  # per cent


def table(problem, hparams, scan: int):
    """(columns, rows) of body positions of the inputs and tokens of the targets, over up to `scan`
    training
    examples: least, median, most, and what 5% and 95% don't exceed."""
    positions, lengths = batching.measured(problem.configure(hparams), scan)
    rows = [
        [
            name,
            *(int(np.percentile(values, share, method="nearest")) for share in SHARES),
            float(values.mean()),
        ]
        for name, values in (("input positions", positions), ("target tokens", lengths))
    ]
    return ["length", "least", "5%", "median", "95%", "most", "mean"], rows


def buckets(problem, hparams, scan: int):
    """(columns, rows) of the buckets of training: the cost up to which they go, their share of the
    examples, how many fill a batch; the last row is what is too long and left out."""
    problem = problem.configure(hparams)
    positions, lengths = batching.measured(problem, scan)
    kept = np.broadcast_to(batching.fits(problem, hparams, positions, lengths), positions.shape)
    costs = batching.cost(problem, positions, lengths)
    edges = batching.boundaries(hparams, batching.limit(problem, hparams))
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
