"""What it takes to start: seconds and CPU-seconds, from the start of the process, until the first
training step of each problem is done.

    t2t-mm-datagen --problems=mini8 --data_dir=data
    python benchmarks/start.py --problems=mini8 --data_dir=data

The problems take one step each, in the order in which they are given; nothing is saved.
"""

import subprocess
import sys
import time

from absl import flags

from t2t_mm import mixtures, registry
from t2t_mm.cli import app
from t2t_mm.config import hparams_files
from t2t_mm.config.run import RunConfig

FLAGS = app.new_flags()
flags.DEFINE_string("problems", "mini8", "Problems or mixtures.", flag_values=FLAGS)
flags.DEFINE_string("data_dir", "data", "Prepared data and vocabularies.", flag_values=FLAGS)
flags.DEFINE_string("hparams_set", "multimodel_tiny", "Named hparams.", flag_values=FLAGS)
flags.DEFINE_string("hparams", "", "Changes to single hparams.", flag_values=FLAGS)
flags.DEFINE_float("began", None, "Set for the child that is measured.", flag_values=FLAGS)


def main():
    """Prints a line for each event, in a process of its own."""
    if FLAGS.began is None:
        began = [f"--began={time.time()}"]
        sys.exit(subprocess.run([sys.executable, *sys.argv, *began], check=False).returncode)
    print(f"{'until':32}{'s':>8}{'CPU-s':>8}", flush=True)
    app.import_tensorflow()

    from t2t_mm.data import prepare
    from t2t_mm.reporting.console import Silent
    from t2t_mm.training.trainer import Trainer

    tell("modules are imported")
    hparams = hparams_files.resolve(FLAGS.hparams_set, overrides=FLAGS.hparams)
    names = list(mixtures.parse(FLAGS.problems))
    problems = [registry.problem(name).configure(hparams) for name in names]
    problems = prepare.resolve(problems, FLAGS.data_dir, hparams)
    tell("problems are read")
    trainer = Trainer(problems, hparams, RunConfig(), console=Silent())
    tell("the model is built")
    for problem in problems:
        batch = trainer.inputs.next(problem.name, 0)
        loss = trainer._train_step(problem.name, batch, 1e-4)["loss"]
        tell(f"a step of {problem.name}, loss {float(loss):.2f}")


def tell(event):
    """Prints what it took so far."""
    wall, cpu = time.time() - FLAGS.began, time.process_time()
    print(f"{event:32}{wall:8.1f}{cpu:8.1f}", flush=True)


if __name__ == "__main__":
    app.run(main, FLAGS)
