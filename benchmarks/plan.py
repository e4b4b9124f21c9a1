"""A plan beside the memory of real steps.

    python benchmarks/plan.py     # a few cases on this CPU

Each case runs in a process of its own: a few steps of one problem on the largest batch, made up.
What the process takes at the most, less what a process takes that does the same with a model of the
same layers and next to no width (graphs, libraries), is set beside the plan. Layers use shapes that
are known when they are traced, as on an accelerator.
"""

import resource
import subprocess
import sys

import numpy as np
from absl import flags

from t2t_mm import registry
from t2t_mm.cli import app
from t2t_mm.config import hparams_files
from t2t_mm.config.run import RunConfig

FLAGS = app.new_flags()
flags.DEFINE_string("case", "", "A case by its name; none: all.", flag_values=FLAGS)
flags.DEFINE_enum(
    "what", "", ["", "plan", "measured", "idle"], "One number of the case.", flag_values=FLAGS
)

IDLE = {
    "hidden_size": 8,
    "num_heads": 1,
    "moe_hidden": 8,
    "batch_size": 1,
    "max_input_length": 8,
    "max_target_length": 8,
}
# name: (problem, set, hparams that are changed)
CASES = {
    "tiny": ("wmt_ende", "multimodel_tiny", "batch_size=8192"),
    "tiny, remat": ("wmt_ende", "multimodel_tiny", "batch_size=8192,rematerialise=true"),
    "small, adam": ("wmt_ende", "multimodel_small", "optimizer=adam,weight_decay=0"),
    "small, picture": ("imagenette", "multimodel_small", "batch_size=1024"),
}


def main():
    """Prints a line a case."""
    if FLAGS.what:
        print(one(*CASES[FLAGS.case], FLAGS.what), flush=True)
        return
    print(f"{'case':18}{'plan MiB':>10}{'measured':>10}{'ratio':>8}", flush=True)
    for name in [FLAGS.case] if FLAGS.case else CASES:
        plan, measured, idle = (child(name, what) for what in ("plan", "measured", "idle"))
        took = measured - idle
        print(f"{name:18}{plan:10,.0f}{took:10,.0f}{plan / took:8.2f}", flush=True)


def child(name, what):
    """A number of a case, of a process of its own, in MiB."""
    line = [sys.executable, *sys.argv, f"--case={name}", f"--what={what}"]
    done = subprocess.run(line, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def one(problem, set_name, changes, what):
    """What the plan says, or what this process takes at the most, in MiB."""
    app.import_tensorflow()
    from t2t_mm.layers import kernels
    from t2t_mm.planning import plan
    from t2t_mm.planning.batch import expected

    hparams = hparams_files.resolve(set_name, overrides=changes)
    hparams = hparams.replace(**IDLE) if what == "idle" else hparams
    problem = expected(registry.problem(problem).configure(hparams))
    if what == "plan":
        return plan.make([problem], hparams, RunConfig()).peak / 2**20
    with kernels.static_shapes():
        steps(problem, hparams)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def steps(problem, hparams, count=3):
    """Trains for a few steps."""
    import tensorflow as tf

    from t2t_mm.execution.replicas import Replicas
    from t2t_mm.planning.batch import largest_batch
    from t2t_mm.training.state import TrainState
    from t2t_mm.training.step import TrainStep

    state = TrainState.create([problem], hparams, RunConfig(), Replicas())
    step = TrainStep(state.model, state.optimizer, hparams, state.average)
    random = np.random.default_rng(0)

    def made_up(spec):
        if spec.dtype.is_bool:
            return tf.ones(spec.shape, tf.bool)
        if spec.dtype.is_integer:
            return tf.constant(random.integers(3, 10, spec.shape), spec.dtype)
        return tf.constant(random.normal(size=spec.shape), spec.dtype)

    batch = {name: made_up(spec) for name, spec in largest_batch(problem, hparams).items()}
    for _ in range(count):
        float(step(problem.name, batch, 1e-4)["loss"])


if __name__ == "__main__":
    app.run(main, FLAGS)
