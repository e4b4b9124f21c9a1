"""One worker of a run of several: trains toy problems and says what it ends with. See
test_replicas.py."""

import hashlib
import json
import sys

import numpy as np

from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.execution import strategies
from t2t_mm.execution.exchange import rows_here, whole
from t2t_mm.layers.shares import holders
from t2t_mm.reporting.console import Silent
from t2t_mm.runs.names import named_variables
from t2t_mm.training.trainer import Trainer
from tests.simplest import simplest, simplest_sparse
from tests.toys import TINY, Toy, ToyClass

strategies.PATIENCE = 20  # seconds that a worker waits for one that was killed


def main(output, until, experts=""):
    """With `experts`, "on" or "off", the model has some, which the workers share out or don't."""
    hparams = TINY.replace(moe_experts=4, moe_k=2, moe_noise=False, ema_decay=0.9)
    config = RunConfig(
        seed=3,
        train_steps=until,
        save_every=5,
        mode="train",
        model=simplest_sparse() if experts else simplest(),
        expert_parallel=experts or "auto",
    )
    problems = [Toy(), ToyClass("toy_first")]
    one = Trainer(problems, hparams if experts else TINY, config, output, console=Silent())
    one.resume()
    before = one.step
    one.train()
    metrics = one.evaluate()
    weights = [v for _, v in sorted(named_variables(one.model).items()) if v.trainable]
    mirrored = [np.asarray(v.value) for v in weights if holders(v) == 1]
    digest = hashlib.sha256(b"".join(value.tobytes() for value in mirrored)).hexdigest()
    experts = [v for v in weights if holders(v) > 1]
    told = one.replicas.from_chief({"who": one.replicas.worker, "é": [1.5]})
    print(
        json.dumps(
            {
                "told": told,
                "all": one.replicas.from_all([one.replicas.worker, "é"]),
                "from": before,
                "step": one.step,
                "weights": digest,
                "rows": [len(rows_here(v)) for v in experts],
                "all_rows": [len(whole(v)) for v in experts],
                "examples": metrics["toy_copy"]["examples"],
                "metrics": metrics,
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    try:
        main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
    except UserError as error:
        sys.exit(str(error))
