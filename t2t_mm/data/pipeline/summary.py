"""What the training batches of a problem are like."""

import dataclasses

import numpy as np
import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.data.pipeline import references
from t2t_mm.data.pipeline.cost import boundaries, cost, fits, limit
from t2t_mm.errors import UserError
from t2t_mm.problem import damage
from t2t_mm.problem.base import Problem


@dataclasses.dataclass(frozen=True)
class BatchSummary:
    """What a training batch of a problem means; means are over the examples that were looked at and
    kept.

    Attributes:
      examples: in the training split.
      scanned: looked at for this summary.
      dropped: of those, too long for `max_input_length` or `max_target_length`.
      buckets: occupied buckets.
      batch_examples: fewest and most examples in a batch.
      positions: body positions of an input, mean.
      length: tokens of a target, mean.
      batch_tokens: target tokens in a batch, mean.
    """

    examples: int
    scanned: int
    dropped: int
    buckets: int
    batch_examples: tuple
    positions: float
    length: float
    batch_tokens: float


def describe(problem: Problem, hparams: HParams, scan: int = 4_000) -> BatchSummary:
    """Looks at (a random choice of) up to `scan` training examples: at a tenth of that where they
    are sound.

    Raises:
      UserError: if there is no training split, or every example that was looked at is too long.
    """
    problem = problem.configure(hparams)
    positions, lengths = measured(problem, scan // 10 if problem.inputs.slow_to_encode else scan)
    kept = np.broadcast_to(fits(problem, hparams, positions, lengths), positions.shape)
    if not kept.any():
        raise UserError(
            f"{problem.name}: each of {len(kept)} training examples is too long (inputs take "
            f"{positions.min()} positions or more, targets {lengths.min()} tokens or more). "
            f"Raise max_input_length={hparams.max_input_length} or "
            f"max_target_length={hparams.max_target_length}."
        )
    edges = boundaries(hparams, limit(problem, hparams))
    bucket = np.searchsorted(edges, cost(problem, positions[kept], lengths[kept]))
    # [kept]: how many are in the batch of each
    sizes = np.maximum(1, hparams.batch_size // edges)[bucket]
    return BatchSummary(
        examples=problem.splits()["train"],
        scanned=len(kept),
        dropped=int((~kept).sum()),
        buckets=len(np.unique(bucket)),
        batch_examples=(int(sizes.min()), int(sizes.max())),
        positions=float(positions[kept].mean()),
        length=float(lengths[kept].mean()),
        batch_tokens=float(lengths[kept].sum() / (1.0 / sizes).sum()),
    )


def measured(problem: Problem, scan: int) -> tuple[np.ndarray, np.ndarray]:
    """Body positions and target lengths of up to `scan` training examples, drawn at random: int64
    [n] each. Reads only what counts."""
    fixed = {"inputs": not problem.inputs.masked, "targets": not problem.targets.is_sequence}
    sides = [side for side, constant in fixed.items() if not constant]
    if not sides:
        problem.examples("train")  # complains where there is none
        return np.array([problem.inputs.positions(None)]), np.array([1])

    def measure(raw):
        inputs = None if fixed["inputs"] else problem.encode_inputs(raw["inputs"])
        length = (
            1
            if fixed["targets"]
            else tf.size(problem.encode_targets(references.draw(raw["targets"], [0, 0])))
        )
        return problem.inputs.positions(inputs), length

    data = problem.examples("train", shuffle_seed=0, sides=sides).take(scan)
    data = data.map(measure, num_parallel_calls=2).batch(scan)
    found = np.array(list(damage.read(problem, data.as_numpy_iterator())), np.int64)
    return found[0, 0], found[0, 1]
