"""The work of t2t_mm_trainer.py, as a function of its flags.

What can be refused is refused in the order of what it costs: names and values before TensorFlow is
imported, the output directory before data is prepared, data before the model is built.
"""

import time

from t2t_mm import mixtures, registry
from t2t_mm.cli import app
from t2t_mm.config import hparams_files
from t2t_mm.errors import UserError
from t2t_mm.runs.best import Best
from t2t_mm.runs.directory import OutputDir

DEFAULT_SET = "multimodel_tiny"


def run(flags):
    """Prepares data if told to, then trains and evaluates. `flags`: an object with the attributes
    of the flags."""
    app.need(flags, "data_dir", "output_dir")
    if flags.model not in registry.list_models():
        registry.model(flags.model)  # refuses the name; of a known one it would import Keras
    output = OutputDir(flags.output_dir)
    if flags.continuous:
        _wait_for_checkpoint(flags, output)
    if flags.mode == "evaluate":
        output.need_checkpoint()
    if flags.warm_start_rescale and not flags.warm_start_from:
        raise UserError(
            "--warm_start_rescale needs --warm_start_from, the run whose weights are rescaled."
        )
    if flags.warm_start_from:
        OutputDir(flags.warm_start_from).need_checkpoint()
    weights = _weights(flags, output)
    hparams, set_name = _hparams(flags, output)
    problems = [registry.problem(name).configure(hparams) for name in weights]
    if flags.mode != "evaluate":
        output.check_writable()
    output.check_hparams(hparams)
    output.check_names(weights)
    best = _best(flags, output, problems)
    _train(flags, output, problems, list(weights.values()), hparams, set_name, best)


def _wait_for_checkpoint(flags, output):
    if flags.mode != "evaluate":
        raise UserError("--continuous is for --mode=evaluate, beside a run with --mode=train.")
    if not output.has_checkpoint:
        print(f"Waiting for the first checkpoint in {output.checkpoints}", flush=True)
    while not output.has_checkpoint:
        time.sleep(1.0)


def _weights(flags, output):
    """{problem: weight or None}, of the flag or of the run to be evaluated."""
    if flags.problems:
        return mixtures.parse(flags.problems)
    recorded = output.recorded_problems() if flags.mode == "evaluate" else {}
    if not recorded:
        raise UserError(
            "Give --problems, such as --problems=mini8; --registry_help lists what there is."
        )
    for name in recorded:
        output.problem(name)
    return mixtures.parse("+".join(recorded))


def _hparams(flags, output):
    """(HParams, name of the set that they are told from)."""
    if (
        flags.mode == "evaluate" and not flags.hparams_set
    ):  # the run's own, with what is given changed
        own = hparams_files.load(flags.output_dir)
        return hparams_files.resolve(own, flags.gin_file, flags.gin_bindings, flags.hparams), None
    set_name = flags.hparams_set or DEFAULT_SET
    return hparams_files.resolve(
        set_name, flags.gin_file, flags.gin_bindings, flags.hparams
    ), set_name


def _best(flags, output, problems):
    """What --keep_best and --patience ask for, None if nothing."""
    if not flags.keep_best:
        if flags.patience:
            raise UserError(
                "--patience needs --keep_best, the metric that it waits for: "
                "wmt_ende/log_perplexity."
            )
        return None
    best = Best(flags.keep_best, output.path / "best.json", flags.patience)
    metrics = {problem.name: problem.metrics for problem in problems}
    if best.problem not in metrics:
        raise UserError(
            f"--keep_best={flags.keep_best} names no problem of this run: {', '.join(metrics)}."
        )
    if flags.mode != "train_and_evaluate":
        raise UserError(
            "--keep_best needs evaluations: --mode=train_and_evaluate, every --eval_every steps."
        )
    if not flags.eval_every:
        raise UserError(
            "--keep_best needs evaluations: --eval_every=0 makes none but the last. Give "
            "--eval_every=500."
        )
    if best.name in metrics[best.problem] and not flags.decode_examples:
        raise UserError(
            f"--keep_best={flags.keep_best} is a score of decoded text: give --decode_examples=100."
        )
    return best


def _train(flags, output, problems, weights, hparams, set_name, best):
    app.import_tensorflow()
    from t2t_mm.data.prepare import prepare, resolve
    from t2t_mm.data.writing.options import Options
    from t2t_mm.evaluation.evaluator import check_split
    from t2t_mm.evaluation.metrics.scoring import metric_of_text
    from t2t_mm.execution.replicas import Replicas, make_strategy
    from t2t_mm.reporting import tables
    from t2t_mm.reporting.console import Console, JsonConsole, Silent
    from t2t_mm.reporting.preparing import Preparing
    from t2t_mm.training.trainer import Trainer

    if flags.deterministic:
        tables.make_deterministic()
    replicas = Replicas(make_strategy(flags.strategy))
    console = (JsonConsole() if flags.log_json else Console()) if replicas.is_chief else Silent()
    tables.tell_versions(console, replicas)
    if set_name:
        tables.tell_hparams(console, hparams, registry.hparams(set_name), set_name, output.path)
    if flags.generate_data:
        if replicas.is_chief:
            with Preparing(console) as shown:
                prepare(problems, flags.data_dir, flags.raw_dir, console.log, Options(report=shown))
        replicas.any(False)  # the others wait for it
    problems = resolve(problems, flags.data_dir, hparams)
    if flags.mode != "train":
        check_split(problems, flags.eval_split)
        for problem in problems if flags.decode_examples else []:
            for name in problem.metrics:
                metric_of_text(name)  # refuses one that is unknown
    trainer = Trainer(
        problems,
        hparams,
        output.path,
        weights=weights,
        train_steps=flags.train_steps,
        seed=flags.seed,
        save_every=flags.save_every,
        keep_checkpoints=flags.keep_checkpoints,
        model=flags.model,
        warm_start_from=flags.warm_start_from,
        warm_start_rescale=flags.warm_start_rescale,
        skip_nonfinite=flags.skip_nonfinite,
        strategy=replicas.strategy,
        decode_examples=flags.decode_examples,
        precision=flags.precision,
        jit_compile=flags.jit_compile,
        steps_per_execution=flags.steps_per_execution,
        console=console,
    )
    if flags.mode != "evaluate":
        trainer.tell()
        every = flags.eval_every if flags.mode == "train_and_evaluate" else 0
        trainer.train(
            eval_every=every, eval_split=flags.eval_split, eval_batches=flags.eval_steps, best=best
        )
    wanted = flags.mode != "train" and trainer.evaluated != trainer.step
    for _ in trainer.follow() if flags.continuous else [trainer.step] * wanted:
        trainer.evaluate(flags.eval_split, flags.eval_steps)
    console.log(
        f"Everything is in {output.path}: checkpoints, metrics_{flags.eval_split}.json, "
        "hparams.json. "
        f"Curves: tensorboard --logdir={output.tensorboard}"
    )
