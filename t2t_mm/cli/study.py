"""Makes the experiments of a study: every arm with several seeds, and a report with intervals.

    t2t-mm-study --study=blocks --problems=mini_ende+mini_imagenet+mini_parse --train_steps=400 \\
        --seeds=5 --data_dir=data --output_dir=output/blocks --generate_data

Each run is an ordinary one. Those that are done are not made again, one that was interrupted goes
on, and the same command started several times shares the work. --registry_help lists the studies.
"""

import shlex
import sys
from pathlib import Path
from typing import Any

from absl import flags

from t2t_mm import files, mixtures, registry
from t2t_mm.cli import app, options
from t2t_mm.config import hparams_files, limits
from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.studies.plan import Plan, Task
from t2t_mm.studies.study import Setup, build

OF_THE_STUDY = ("problems", "hparams_set", "hparams", "train_steps", "train_examples")
OF_ALL_RUNS = ("data_dir", "raw_dir", "generate_data", "strategy", "precision", "deterministic")

FLAGS = app.new_flags()
flags.DEFINE_string("study", None, "Registered study.", flag_values=FLAGS)
flags.DEFINE_string("output_dir", None, "Directory of the study.", flag_values=FLAGS)
flags.DEFINE_integer(
    "seeds",
    5,
    "Runs of each arm.",
    lower_bound=1,
    upper_bound=limits.INT32,
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    "split", "test", ["validation", "test"], "Split to measure on.", flag_values=FLAGS
)
flags.DEFINE_integer(
    "decode_examples",
    0,
    "Examples to decode, of problems that the study compares by decoded text; 0: the whole split.",
    lower_bound=0,
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "list", False, "Print one command for each run that is not done, and end.", flag_values=FLAGS
)
flags.DEFINE_string(
    "only", "", "Make a single run: arm/seed, as --list prints it.", flag_values=FLAGS
)
flags.DEFINE_bool("report", False, "Write the report of what is done, and end.", flag_values=FLAGS)
options.define(RunConfig, FLAGS, only=(*OF_THE_STUDY, *OF_ALL_RUNS))


def main() -> str | None:
    """The command's work."""
    app.need(FLAGS, "study", "problems", "output_dir")
    plan = _plan()
    if FLAGS.list:
        rows = plan.results.rows()
        for task in plan.tasks():
            if not plan.row(task, rows):
                print(shlex.join(_command(task)))
    elif FLAGS.only:
        sys.exit(_make(plan, _named(plan, FLAGS.only)))
    else:
        _work(plan)
        return FLAGS.output_dir
    return None


def _plan() -> Plan:
    given = options.given(RunConfig, FLAGS)
    config = RunConfig().replace(**given)
    if config.generate_data == "again":
        raise app.UsageError(
            "A study prepares only what is missing: --generate_data. t2t-mm-datagen --again "
            "prepares anew."
        )
    weights = mixtures.parse(config.problems)
    for name, weight in weights.items():
        registry.problem(name)
        if weight is not None:
            raise UserError(
                f"--problems={config.problems}: {name} has a weight, but a study trains all "
                "problems alike. Give names alone."
            )
    names = tuple(weights)
    hparams_set = config.hparams_set or hparams_files.default_set(config.model)
    setup = Setup(names, hparams_set, config.hparams, config.train_steps, config.train_examples)
    study = build(FLAGS.study, setup)
    for arm in study.arms:
        hparams_files.resolve(arm.hparams_set, overrides=arm.hparams, model=arm.model)
    if not config.data_dir and not FLAGS.report:
        raise app.UsageError("Give --data_dir, the directory of prepared data and vocabularies.")
    common = {name: getattr(config, name) for name in OF_ALL_RUNS if name in given}
    folder = Path(FLAGS.output_dir)
    return Plan(FLAGS.study, study, FLAGS.seeds, folder, FLAGS.split, FLAGS.decode_examples, common)


def _work(plan: Plan) -> None:
    from t2t_mm.reporting.console import Console
    from t2t_mm.studies.loop import Loop

    console = Console()
    files.check_output_folder(plan.folder, "output_dir")
    plan.folder.mkdir(parents=True, exist_ok=True)
    if not FLAGS.report:
        done, total = len(plan.rows()), len(plan.tasks())
        console.log(f"{plan.name}: {total} runs, {done} of them done. Each is under {plan.folder}.")
        try:
            Loop(plan, _command, console).run()
        except UserError:
            _report(plan, console)
            raise
    if not _report(plan, console):
        others = len(plan.results.rows())
        raise UserError(
            f"No run of {plan.name} with these settings is done in {plan.folder}: there is no "
            f"report.{f' {others} runs with other settings are.' if others else ''}"
        )


def _report(plan: Plan, console: Any) -> bool:
    """Writes the report of what is done; whether anything is."""
    from t2t_mm.studies.report import write

    if not plan.rows():
        return False
    write(plan, shlex.join(["t2t-mm-study", *_given(leave=("report",))]), console)
    return True


def _command(task: Task) -> list[str]:
    only = f"--only={task.arm.name}/{task.seed}"
    return [
        sys.executable,
        "-m",
        "t2t_mm",
        "study",
        *_given(leave=("list", "only", "report")),
        only,
    ]


def _given(leave: tuple[str, ...]) -> list[str]:
    """The flags of the command line."""
    names = [name for name in sorted(FLAGS) if FLAGS[name].present and name not in (*leave, "h")]
    return [_flag(name, FLAGS[name].value) for name in names]


def _flag(name: str, value: Any) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"--{name}" if value is True else f"--{name}={text}"


def _named(plan: Plan, text: str) -> Task:
    name, _, seed = text.rpartition("/")
    for task in plan.tasks():
        if task.arm.name == name and str(task.seed) == seed:
            return task
    names = ", ".join(arm.name for arm in plan.study.arms)
    raise app.UsageError(
        f"--only={text} names no run: give arm/seed, with an arm of {names} and a seed below "
        f"{plan.seeds}."
    )


def _make(plan: Plan, task: Task) -> int:
    """Makes a run and adds its row; the exit code."""
    from t2t_mm.studies.loop import make_once

    def work() -> Any:
        app.import_tensorflow()
        from t2t_mm.cli.arm import make

        return make(plan, task)

    return make_once(plan, task, work)


def entry() -> None:
    """The console script t2t-mm-study."""
    app.run(main, FLAGS)


if __name__ == "__main__":
    entry()
