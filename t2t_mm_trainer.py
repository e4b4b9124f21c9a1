"""Trains and evaluates one model on one or several problems.

    t2t_mm_trainer.py --problems=mini8 --hparams_set=multimodel_tiny --data_dir=data
    --output_dir=out --generate_data

Run it again to resume from the last checkpoint. --registry_help lists problems and hparams
sets. --plan prints what a run would take of memory, traffic and operations, and whether it fits.
"""

from absl import flags

from t2t_mm.cli import app, options
from t2t_mm.config.plan import PlanConfig
from t2t_mm.config.run import RunConfig

FLAGS = app.new_flags()
flags.DEFINE_string(
    "output_dir",
    None,
    "Directory of the run: checkpoints, hparams, metrics, TensorBoard logs.",
    flag_values=FLAGS,
)
SECTIONS = options.define(RunConfig, FLAGS) | options.define(PlanConfig, FLAGS)


def main() -> str | None:
    """The command's work."""
    from t2t_mm.cli import plan, trainer

    asked = options.config_of(PlanConfig, options.given(PlanConfig, FLAGS))
    if asked.plan:
        return plan.run(options.given(RunConfig, FLAGS), asked)
    app.need(FLAGS, "output_dir")
    trainer.run(options.given(RunConfig, FLAGS), FLAGS.output_dir)
    return FLAGS.output_dir


def entry() -> None:
    """The console script t2t-mm-trainer."""
    app.run(main, FLAGS, sections=SECTIONS)


if __name__ == "__main__":
    entry()
