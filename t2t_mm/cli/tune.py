"""Searches a range of hyperparameters for the best, with Optuna.

    t2t-mm-tune --problems=mini_ende --range='learning_rate=1e-4..1e-1,dropout=0|0.1|0.3' \\
        --metric=mini_ende/log_perplexity --trials=20 --train_steps=200 --eval_every=50 \\
        --data_dir=data --output_dir=output/search

Each trial is an ordinary run in <output_dir>/trial_<number>; the first has the set's own values.
One whose evaluations fall behind is pruned. The best is written to <output_dir>/best.gin.

The data is prepared before, as by t2t-mm-datagen.

Run it again after it was stopped or killed, and it goes on. Run it several times at once, on the
same output directory, to train several trials side by side.

A range is learning_rate=1e-4..1e-1 (drawn evenly in the logarithm if it spans more than a factor of
10; lin: and log: before it say so), choices are dropout=0|0.1|0.3, a single value is fixed in all
trials.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from t2t_mm.cli import app, options
from t2t_mm.config import hparams_files
from t2t_mm.config.hparams import parse_overrides
from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.tuning import ranges

if TYPE_CHECKING:
    from t2t_mm.tuning.plan import Plan

# Options of a run that a search has no use for: it prepares no data, and compares last evaluations.
LEFT_OUT = (
    "mode",
    "raw_dir",
    "generate_data",
    "hold_out",
    "keep_best",
    "patience",
    "log_json",
    "continuous",
)
MOST_TRIALS = 10**5

FLAGS = app.new_flags()
flags.DEFINE_string(
    "output_dir", None, "Directory of the search, with one for each trial.", flag_values=FLAGS
)
flags.DEFINE_string(
    "range",
    None,
    "What is searched: a registered range (--registry_help lists them), or "
    "learning_rate=1e-4..1e-1,dropout=0|0.1|0.3.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "metric", None, "What trials are judged by: wmt_ende/log_perplexity.", flag_values=FLAGS
)
flags.DEFINE_integer(
    "trials",
    20,
    "Trials in all, of all processes that search in the output directory.",
    lower_bound=1,
    upper_bound=MOST_TRIALS,
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "storage",
    "",
    "Database of the trials, a URL of SQLAlchemy; sqlite:///<output_dir>/tune.db, if not given.",
    flag_values=FLAGS,
)
OPTIONS = [name for name in RunConfig.fields() if name not in LEFT_OUT]
SECTIONS = options.define(RunConfig, FLAGS, only=OPTIONS)


def main() -> str:
    """The command's work."""
    app.need(FLAGS, "output_dir", "range", "metric")
    plan = _plan(options.given(RunConfig, FLAGS))
    from t2t_mm.reporting.console import Console
    from t2t_mm.tuning.search import search

    console = Console()
    if plan.config.eval_every >= plan.config.train_steps or not plan.config.eval_every:
        console.log(
            f"--eval_every={plan.config.eval_every}: a trial is evaluated once, at its end, so "
            "that none can be pruned."
        )
    search(plan, console)
    return FLAGS.output_dir


def _plan(given: dict[str, Any]) -> "Plan":
    """The search that the flags describe. Raises a UserError or RegistryError for what is wrong
    with them."""
    from t2t_mm.cli import trainer
    from t2t_mm.runs import metric
    from t2t_mm.runs.directory import OutputDir
    from t2t_mm.tuning.plan import Plan

    cls = hparams_files.class_of(given.get("model", RunConfig().model))
    space = ranges.read(FLAGS.range, cls)
    changes = parse_overrides(given.get("hparams", ""), cls)
    if both := [name for name in changes if name in space.fixed]:
        raise UserError(f"{', '.join(both)}: --hparams and --range both fix it; leave one out")
    run = trainer.checked(given, OutputDir(FLAGS.output_dir))
    metric.check(FLAGS.metric, run.problems, run.hparams, run.config.decode_examples, "--metric")
    return Plan(
        config=run.config,
        hparams=run.hparams.replace(**space.fixed),
        space=space,
        metric=FLAGS.metric,
        trials=FLAGS.trials,
        output=Path(FLAGS.output_dir),
        storage=FLAGS.storage,
        given={"t2t_usr_dir": FLAGS.t2t_usr_dir, **given},
        changes=changes,
    )


def entry() -> None:
    """The console script t2t-mm-tune."""
    app.run(main, FLAGS, sections=SECTIONS)


if __name__ == "__main__":
    entry()
