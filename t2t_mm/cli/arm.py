"""One run of a study: trains as `t2t_mm_trainer.py` does, then measures."""

import math
from typing import Any

from t2t_mm import registry
from t2t_mm.cli import trainer
from t2t_mm.config import hparams_files
from t2t_mm.data.prepare import resolve
from t2t_mm.models.base import unique
from t2t_mm.runs import history
from t2t_mm.studies.measuring import measure
from t2t_mm.studies.plan import Plan, Task
from t2t_mm.studies.results import Row
from t2t_mm.studies.study import Arm, changed


def make(plan: Plan, task: Task) -> Row:
    """Trains the arm with the seed, or lets its run go on, and measures it.

    Raises:
        UserError: as of a training run.
    """
    options = plan.options(task)
    source = plan.source(task)
    if source and not (source.folder / "problems.json").exists():
        trainer.run(plan.options(source), str(source.folder))  # its weights have been deleted
    if task.arm.as_large_as:
        options["hparams"] = _sized(plan, task.arm)
    trained = trainer.run(options, str(task.folder))
    problems = [problem for problem in trained.problems if problem.name in task.arm.on]
    with trained.replicas.scope(), trained.state.evaluated():
        decode = plan.decoded(task.arm)
        measured = measure(trained.model, problems, trained.hparams, plan.split, decode)
    return {
        "study": plan.name,
        "arm": task.arm.name,
        "seed": task.seed,
        "asked": plan.asked(task.arm),
        "curve": _curve(task),
        **measured,
    }


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
    return blocks(max(1, 1 + round((wanted - one) / (two - one))))


def _parameters(plan: Plan, arm: Arm, hparams: str = "") -> int:
    values: Any = hparams_files.resolve(
        arm.hparams_set, overrides=hparams or arm.hparams, model=arm.model
    )
    names = arm.problems.split("+")
    problems = [registry.problem(name).configure(values) for name in names]
    resolved = resolve(problems, plan.common["data_dir"], values, lambda line: None)
    model = registry.model(arm.model)(values, resolved)
    return sum(math.prod(variable.shape) for variable in unique(model.trainable_variables))
