"""One run of a study: trains as `t2t_mm_trainer.py` does, then measures."""

import math
from typing import Any

from t2t_mm import locks, mixtures, registry
from t2t_mm.cli import trainer
from t2t_mm.config import hparams_files
from t2t_mm.config.hparams import HParams
from t2t_mm.data.prepare import prepare, resolve
from t2t_mm.errors import UserError
from t2t_mm.problem.base import Problem
from t2t_mm.runs import history
from t2t_mm.runs.directory import OutputDir
from t2t_mm.runs.paths import latest, step_of
from t2t_mm.studies import data
from t2t_mm.studies.measuring import measure
from t2t_mm.studies.plan import RUN_LOCK, Plan, Task
from t2t_mm.studies.results import Row
from t2t_mm.studies.study import Arm, changed


def make(plan: Plan, task: Task) -> Row:
    """Trains the arm with the seed, or lets its run go on, and measures it.

    Raises:
        UserError: as of a training run.
    """
    if source := plan.source(task):
        source.folder.mkdir(parents=True, exist_ok=True)
        with locks.locked(source.folder / RUN_LOCK, seconds=math.inf):
            if not _is_trained(source):  # it was never made, or its weights have been deleted
                _train(plan, source)
    trained, digests = _train(plan, task)
    problems = [problem for problem in trained.problems if problem.name in task.arm.on]
    with trained.replicas.scope(), trained.state.evaluated():
        decode = plan.decoded(task.arm)
        measured = measure(trained.model, problems, trained.hparams, plan.split, decode)
    return {
        "study": plan.name,
        "arm": task.arm.name,
        "seed": task.seed,
        "asked": plan.asked(task.arm),
        "data": digests,
        "curve": _curve(task),
        **measured,
    }


def _train(plan: Plan, task: Task) -> tuple[Any, dict[str, str]]:
    """(the Trainer of a run that has been trained to its end, digests of its data)"""
    options = plan.options(task)
    if options.pop("generate_data", False):
        _prepare(plan, task.arm)
    digests = data.check(plan, task.arm)
    if task.arm.as_large_as:
        options["hparams"] = _sized(plan, task.arm)
    return trainer.run(options, str(task.folder)), digests


def _is_trained(task: Task) -> bool:
    newest = latest(OutputDir(task.folder).checkpoints)
    return newest is not None and step_of(newest) >= task.arm.train_steps


def _curve(task: Task) -> dict[str, dict[str, float | None]]:
    """{problem: {step: the first of its figures on validation; None: not finite}}."""
    curve: dict[str, dict[str, float | None]] = {name: {} for name in task.arm.on}
    for evaluated in history.read(task.folder):
        for name in task.arm.on if evaluated.split == "validation" else ():
            if values := evaluated.problems.get(name):
                curve[name][str(evaluated.step)] = next(iter(values.values()))
    return curve


def _sized(plan: Plan, arm: Arm) -> str:
    """The arm's hparams, with so many blocks in encoder and decoder that it has about as many
    parameters as the arm that it is to be compared with."""
    wanted = _parameters(plan, plan.study.arm(arm.as_large_as))
    blocks = lambda count: changed(  # noqa: E731
        arm.hparams, f"encoder_blocks={count},decoder_blocks={count}"
    )
    one, two = (_parameters(plan, arm, blocks(count)) for count in (1, 2))
    if one == two:
        raise UserError(
            f"{arm.name}: the size of the model {arm.model} does not depend on its blocks, so that "
            f"it can't be made as large as {arm.as_large_as}."
        )
    return blocks(max(1, 1 + round((wanted - one) / (two - one))))


def _prepare(plan: Plan, arm: Arm) -> None:
    """Prepares what is missing, one process at a time."""
    problems = _problems(arm, _hparams(arm))
    with locks.locked(plan.folder / "data.lock", seconds=math.inf):
        prepare(problems, plan.common["data_dir"], plan.common.get("raw_dir"))


def _resolved(plan: Plan, arm: Arm, hparams: HParams) -> list[Problem]:
    return resolve(_problems(arm, hparams), plan.common["data_dir"], hparams, lambda line: None)


def _problems(arm: Arm, hparams: HParams) -> list[Problem]:
    return [registry.problem(name).configure(hparams) for name in mixtures.parse(arm.problems)]


def _hparams(arm: Arm, changes: str = "") -> HParams:
    overrides = changes or arm.hparams
    return hparams_files.resolve(arm.hparams_set, overrides=overrides, model=arm.model)


def _parameters(plan: Plan, arm: Arm, hparams: str = "") -> int:
    values = _hparams(arm, hparams)
    model = registry.model(arm.model)(values, _resolved(plan, arm, values))
    return sum(model.parameter_counts().values())
