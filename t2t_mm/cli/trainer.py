"""The work of t2t_mm_trainer.py, as a function of its options.

What can be refused is refused in the order of what it costs: names and values before TensorFlow is
imported, the output directory before data is prepared, data before the model is built.
"""

import dataclasses
import os
import time
from typing import Any

from t2t_mm import files, mixtures, registry
from t2t_mm.cli import app, options
from t2t_mm.config import hparams_files
from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.execution import cluster
from t2t_mm.problem.base import Problem
from t2t_mm.runs import metric
from t2t_mm.runs.choice import chosen
from t2t_mm.runs.directory import OutputDir


@dataclasses.dataclass
class Run:
    """What a command line stands for, checked as far as it can be without TensorFlow."""

    config: RunConfig
    output: OutputDir
    hparams: HParams
    problems: list[Problem]


def run(given: dict[str, Any], output_dir: str) -> Any:
    """Prepares data if asked to, then trains and evaluates.

    Args:
        given: {option: value}, those of the command line.
        output_dir: the directory of the run.

    Returns:
        The Trainer; None with mode=evaluate, and where nothing is left to do.
    """
    wanted = checked(given, OutputDir(output_dir))
    if _is_complete(wanted):
        print(
            f"The run in {output_dir} is complete. --mode=evaluate evaluates it again.", flush=True
        )
        return None
    app.import_tensorflow()
    return _run(wanted)


def checked(given: dict[str, Any], output: OutputDir) -> Run:
    """The run, if its options, names, and what is in its directory allow it.

    Raises:
        UserError, RegistryError: if not.
    """
    config = options.config_of(RunConfig, given)
    if config.continuous:
        _wait_for_checkpoint(output)
    if config.mode == "evaluate":
        chosen(output, config.checkpoint)
        config = _of_the_run(config, given, output)
    if not config.data_dir:
        raise app.UsageError("Give --data_dir, the directory of prepared data and vocabularies.")
    registry.find("model", config.model)
    if config.warm_start_from:
        chosen(OutputDir(config.warm_start_from), config.checkpoint)
    if not config.problems:
        raise app.UsageError(
            "Give --problems, such as --problems=mini8; --registry_help lists what there is."
        )
    names, hparams = mixtures.parse(config.problems), _hparams(config, output)
    problems = [registry.problem(name).configure(hparams) for name in names]
    output.check_writable()
    if config.mode == "evaluate":
        output.check_are_recorded(names)
    else:
        output.check_config(config)
        output.check_names(names)
    if config.generate_data and not os.path.isdir(config.data_dir):
        files.check_output_folder(config.data_dir, "data_dir")
    output.check_hparams(hparams)
    if config.keep_best:
        metric.check(config.keep_best, problems, hparams, config.decode_examples, "--keep_best")
    return Run(config, output, hparams, problems)


def _is_complete(wanted: Run) -> bool:
    """Whether the workers are through. One that was lost only then, and is started again, would
    wait for others that have ended."""
    config = wanted.config
    is_worker = config.strategy in ("auto", "multi_worker") and cluster.workers() > 1
    return is_worker and config.mode != "evaluate" and wanted.output.is_complete(config.train_steps)


def _wait_for_checkpoint(output: OutputDir) -> None:
    if not output.has_checkpoint:
        print(f"Waiting for the first checkpoint in {output.checkpoints}", flush=True)
    while not output.has_checkpoint:
        if output.has_ended():
            raise UserError(f"The run in {output.path} has ended without a checkpoint.")
        time.sleep(1.0)


def _of_the_run(config: RunConfig, given: dict[str, Any], output: OutputDir) -> RunConfig:
    """The options of an evaluation: problems, model and data are those of the run, if not given."""
    recorded = output.recorded_problems()
    for name in recorded if "problems" not in given else ():
        output.problem(name)
    saved, model = output.recorded_config(), output.recorded_model()
    if given.get("model", model) != model:
        raise UserError(
            f"The run in {output.path} has a model={model}, not {config.model}: leave out --model."
        )
    of_the_run: dict[str, Any] = {"problems": "+".join(recorded), "model": model}
    if saved:
        of_the_run |= {"data_dir": saved.data_dir, "train_steps": saved.train_steps}
    return config.replace(**of_the_run | given)


def _hparams(config: RunConfig, output: OutputDir) -> HParams:
    """The set, or with --mode=evaluate the run's own, with what is given changed."""
    if config.mode == "evaluate" and not config.hparams_set:
        return hparams_of(config, hparams_files.load(output.path, config.model))
    return hparams_of(config)


def set_of(config: RunConfig) -> str:
    """The hparams set that is named, or the model's own."""
    return config.hparams_set or hparams_files.default_set(config.model)


def of_another_model(config: RunConfig) -> str:
    """What is to be said of a set that is named, and is not one of the model's own."""
    name, own = set_of(config), hparams_files.default_set(config.model)
    of_model = f"{config.model}_"
    if name.startswith(of_model) or not own.startswith(of_model):
        return ""
    return f"{name} is no set of {config.model}: it may learn better with {own}."


def hparams_of(config: RunConfig, base: Any = "") -> HParams:
    """The set that is named, or `base`, or the model's own, with what is given changed."""
    return hparams_files.resolve(
        config.hparams_set or base or set_of(config),
        config.gin_file,
        config.gin_bindings,
        config.hparams,
        config.model,
    )


def _run(wanted: Run) -> Any:
    from t2t_mm.execution import threads
    from t2t_mm.execution.determinism import make_deterministic
    from t2t_mm.execution.replicas import Replicas
    from t2t_mm.execution.strategies import make_strategy

    threads.suit(wanted.hparams.hidden_size)
    if wanted.config.deterministic:
        make_deterministic()
    replicas = Replicas(make_strategy(wanted.config.strategy))
    with replicas.watching():
        return _run_on(wanted, replicas)


def _run_on(wanted: Run, replicas: Any) -> Any:
    from t2t_mm.data.prepare import located, resolve
    from t2t_mm.evaluation.evaluator import check_split
    from t2t_mm.evaluation.metrics.scoring import metric_of_text
    from t2t_mm.reporting import tables
    from t2t_mm.reporting.console import Console, JsonConsole, Silent

    config, output, hparams = wanted.config, wanted.output, wanted.hparams
    console = (JsonConsole() if config.log_json else Console()) if replicas.is_chief else Silent()
    if replicas.is_chief and config.mode != "evaluate":
        output.check_free()
    tables.log_versions(console, replicas)
    if config.mode != "evaluate" or config.hparams_set:
        name = set_of(config)
        tables.log_hparams(console, hparams, registry.hparams(name), name, str(output.path))
        if told := of_another_model(config):
            console.log(told)
    if config.generate_data:
        _prepare(wanted, replicas, console)
    if config.mode == "evaluate":
        problems = located(_as_trained(wanted), config.data_dir, console.log)
    else:
        whole = resolve(wanted.problems, config.data_dir, hparams, console.log)
        problems = [problem.first(config.train_examples) for problem in whole]
        for problem in whole if config.train_examples else ():
            if (there := problem.splits().get("train", 0)) < config.train_examples:
                console.log(f"{problem.name} has {there:,} training examples: all are used.")
    if config.mode != "train":
        check_split(problems, config.eval_split)
        for problem in problems if config.decode_examples else []:
            for name in problem.metrics:
                metric_of_text(name)  # refuses one that is unknown
    made = (_evaluate if config.mode == "evaluate" else _train)(wanted, problems, replicas, console)
    console.log(
        f"Everything is in {output.path}: checkpoints, metrics_{config.eval_split}.json, "
        f"hparams.json. Curves: tensorboard --logdir={output.tensorboard}"
    )
    return made


def _as_trained(wanted: Run) -> list[Problem]:
    """The problems with classes and vocabularies of the run: the data may have some classes alone,
    and no training text."""
    from t2t_mm.inference.run import restored

    recorded = wanted.output.recorded_problems()
    return [
        restored(problem.name, recorded[problem.name], wanted.hparams, wanted.output)
        for problem in wanted.problems
    ]


def _prepare(wanted, replicas, console) -> None:
    from t2t_mm.data.prepare import prepare
    from t2t_mm.data.writing.options import Options
    from t2t_mm.reporting.preparing import Preparing

    config = wanted.config
    if replicas.is_chief:
        with Preparing(console) as shown:
            again = config.generate_data == "again"
            options = Options(report=shown, again=again, hold_out=config.hold_out)
            prepare(wanted.problems, config.data_dir, config.raw_dir, console.log, options)
    replicas.any(False)  # the others wait for it


def _train(wanted, problems, replicas, console) -> Any:
    from t2t_mm.training.trainer import Trainer

    with replicas.scope():
        trainer = Trainer(
            problems, wanted.hparams, wanted.config, wanted.output.path, console=console
        )
    trainer.describe()
    trainer.train()
    if wanted.config.mode != "train" and trainer.evaluated != trainer.step:
        trainer.evaluate()
    if replicas.is_chief:
        wanted.output.write_complete(trainer.step, wanted.config.train_steps)
    replicas.any(False)  # none ends before the chief has written all
    return trainer


def _evaluate(wanted, problems, replicas, console) -> None:
    from t2t_mm.evaluation.checkpoints import CheckpointEvaluator

    evaluator = CheckpointEvaluator(
        wanted.output, problems, wanted.hparams, wanted.config, replicas, console
    )
    if wanted.config.continuous:
        evaluator.follow()
    else:
        evaluator.one()
