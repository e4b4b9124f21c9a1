"""The plan of a run as tables, whether it fits, and what to change if it doesn't."""

from collections.abc import Sequence

from t2t_mm.config.hparams import HParams
from t2t_mm.config.plan import PlanConfig
from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.planning import plan
from t2t_mm.problem.base import Problem
from t2t_mm.reporting.console import Console

# Steps of small models on a CPU took so many times the planned activations more (benchmarks/
# plan.py), and libraries take their share.
BEYOND, LIBRARIES = 1.5, 0.15
_COLUMNS = ("weights", "moments", "average", "gradients", "activations", "peak")
_PRECISIONS = ("float32", "bfloat16")


def show(
    console: Console,
    problems: Sequence[Problem],
    hparams: HParams,
    config: RunConfig,
    asked: PlanConfig,
) -> None:
    """Prints the plan; arguments as of `plan.make`, and what was asked for."""
    plans = {}
    for name, way in _layouts(config, asked.replicas).items():
        try:
            plans[name] = way, plan.make(problems, hparams, way, asked.replicas)
        except UserError as error:
            console.log(f"{name}: {error}")
    if not plans:
        raise UserError("There is no way to plan this run: see above.")
    _show_parameters(console, [made for _, made in plans.values()])
    _show_steps(console, plans, asked)
    way, best = min(plans.values(), key=lambda pair: pair[1].peak)
    ways = _show_ways(console, problems, hparams, way, best, asked.replicas)
    console.log(
        "Parameters, weights, moments and gradients are exact. Activations, and with them the "
        "peak, are the least that a step takes, by its graph in the order in which it was traced, "
        f"without XLA: small models on a CPU took up to {1 + BEYOND:g} times the activations "
        f"(benchmarks/plan.py). So much, and {LIBRARIES:.0%} for libraries, is the room for what "
        "is not planned."
    )
    if asked.device_memory:
        _judge(console, plans, ways, best, asked.device_memory)


def _layouts(config: RunConfig, replicas: int) -> dict[str, RunConfig]:
    """{name: options} of the ways in which devices can hold the experts."""
    if replicas == 1:
        return {"one device": config.replace(expert_parallel="off")}
    layouts = {
        "mirrored": config.replace(expert_parallel="off"),
        "experts shared out": config.replace(expert_parallel="on"),
    }
    only = {"off": "mirrored", "on": "experts shared out"}.get(config.expert_parallel)
    return {name: way for name, way in layouts.items() if only in (None, name)}


def _show_parameters(console, plans):
    held = plans[0].held
    rows = [["experts", held.experts], ["rest", held.rest], ["total", held.experts + held.rest]]
    console.table("Parameters", ["part", "parameters"], rows)


def _show_steps(console, plans, asked):
    columns = ["experts are", "problem", *_COLUMNS]
    rows = [
        [name, step.problem, *_memory(made.held, step)]
        for name, (_, made) in plans.items()
        for step in made.steps
    ]
    of = f"each of {asked.replicas} replicas" if asked.replicas > 1 else "the device"
    console.table(f"Memory of {of}", columns, rows, dict.fromkeys(_COLUMNS, "GiB"))
    sent = ["gradients sent", "tokens sent"]
    rows = [
        [
            name,
            step.problem,
            " × ".join(map(str, step.batch["targets_mask"])),
            *(_gib(step.sent.get(what, 0)) for what in ("gradients", "tokens")),
            round(step.operations / 1e9),
        ]
        for name, (_, made) in plans.items()
        for step in made.steps
    ]
    console.table(
        f"A step of {of}, on the largest batch",
        ["experts are", "problem", "whole batch", *sent, "GFLOP"],
        rows,
        dict.fromkeys(sent, "GiB"),
    )


def _show_ways(console, problems, hparams, config, best, replicas):
    """The problem that takes most, with both precisions, with and without `rematerialise`: prints a
    table, and gives {what to add to the command: the step}."""
    hardest = _hardest(best).problem
    rows, found = [], {}
    for precision in _PRECISIONS:
        for again in (False, True):
            made = best
            if (precision, again) != (config.precision, hparams.rematerialise):
                way = config.replace(precision=precision)
                made = plan.make(
                    problems, hparams.replace(rematerialise=again), way, replicas, hardest
                )
            step = next(step for step in made.steps if step.problem == hardest)
            rows.append(
                [precision, "yes" if again else "no", _gib(step.activations), _gib(step.peak)]
            )
            found[f"--precision={precision}, rematerialise={str(again).lower()}"] = step
    columns = ["precision", "rematerialise", "activations", "peak"]
    title = (
        f"Ways to save activations, of {hardest}; they grow with batch_size={hparams.batch_size}"
    )
    console.table(title, columns, rows, {"activations": "GiB", "peak": "GiB"})
    return found


def _hardest(made):
    return max(made.steps, key=_needed)


def _needed(step):
    """Bytes that a step surely does with."""
    return (step.peak + BEYOND * step.activations) * (1 + LIBRARIES)


def _judge(console, plans, ways, best, memory):
    """Says of each layout whether it fits, and if none does what to change."""
    for name, (_, made) in plans.items():
        console.log(f"{name}: {verdict(made, memory)}.")
    if any(fits(_hardest(made), memory) for _, made in plans.values()):
        return
    saving = [way for way, step in ways.items() if fits(step, memory)]
    if saving:
        console.log(f"It fits with {saving[0]}.")
        return
    held = best.held.total / 2**30
    console.log(
        f"What is held between steps is {held:.2f} GiB: "
        + (
            "fewer experts (moe_experts), more replicas that share them out, or "
            "optimizer=adafactor, which holds no moments, take less."
            if held > memory / 2
            else "a smaller batch_size, or accumulate, which computes a batch in parts, take less "
            "activations."
        )
    )


def fits(step: plan.StepCost, memory: float) -> bool:
    """Whether a step surely fits into so many GiB."""
    return _needed(step) <= memory * 2**30


def verdict(made: plan.Plan, memory: float) -> str:
    """What to say of a run on devices of so many GiB."""
    hardest = _hardest(made)
    return (
        f"{_gib(hardest.peak):.2f} GiB, with room for what is not planned "
        f"{_gib(_needed(hardest)):.2f} GiB: {'fits' if fits(hardest, memory) else 'does not fit'} "
        f"into {memory:g} GiB"
    )


def _memory(held: plan.Held, step: plan.StepCost) -> list[float]:
    parts = (held.weights, held.moments, held.average, step.gradients, step.activations, step.peak)
    return [_gib(part) for part in parts]


def _gib(size: float) -> float:
    return round(size / 2**30, 3)
