"""The work of t2t_mm_trainer.py --plan: what a run would take, and whether it fits."""

from typing import Any

from t2t_mm import registry
from t2t_mm.cli import app, options
from t2t_mm.cli.trainer import hparams_of
from t2t_mm.config.plan import PlanConfig
from t2t_mm.config.run import RunConfig


def run(given: dict[str, Any], asked: PlanConfig) -> None:
    """Prints the plan of a run.

    Args:
        given: {option of the run: value}, those of the command line.
        asked: how many devices, and their memory.

    Raises:
        UserError, RegistryError: an option or a name is wrong.
    """
    config = options.config_of(RunConfig, given)
    if not config.problems:
        raise app.UsageError("Give --problems, such as --problems=wmt_ende: what is to be planned.")
    registry.find("model", config.model)
    hparams = hparams_of(config)
    problems = [registry.problem(name).configure(hparams) for name in config.weights()]
    app.import_tensorflow()
    import tensorflow as tf

    from t2t_mm.data.prepare import resolve
    from t2t_mm.planning import batch, report
    from t2t_mm.reporting.console import Console, JsonConsole

    tf.config.set_visible_devices([], "GPU")  # nothing is computed
    console = JsonConsole() if config.log_json else Console()
    if config.data_dir:
        problems = resolve(problems, config.data_dir, hparams, console.log)
    else:
        problems = [batch.expected(problem) for problem in problems]
        console.log(
            "Without --data_dir sizes are those that the problems' classes name; where none names "
            "a number of classes, it is taken to be 1,000."
        )
    report.show(console, problems, hparams, config, asked)
