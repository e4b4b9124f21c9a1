"""A study whose runs are quick: in place of training, a process that adds a made-up row.

python -m tests.studies.stub FOLDER                 # works through it
python -m tests.studies.stub FOLDER ARM SEED        # makes one run
"""

import sys
import time
from pathlib import Path

from t2t_mm.reporting.console import Console
from t2t_mm.studies.loop import Loop, make_once
from t2t_mm.studies.plan import Plan, Task
from t2t_mm.studies.results import Row
from t2t_mm.studies.study import Arm, Study, against

SEEDS = 2
FAILS = "fails"  # a file in the folder: arms that fail, one per line
SECONDS = 0.2
ORDER = ("first", "second", "third")


def plan(folder: Path, seeds: int = SEEDS) -> Plan:
    first = Arm("first", "mini_ende+mini_imagenet", 100, "multimodel_tiny")
    second = Arm("second", "mini_ende", 100, "multimodel_tiny")
    third = Arm("third", "mini_ende", 50, "multimodel_tiny", starts_from="second")
    study = Study([first, second, third], against(first, [second, third]), paper="It was so.")
    return Plan("blocks", study, seeds, Path(folder))


def row(plan: Plan, task: Task, value: float | None = None) -> Row:
    """A made-up row; `value`: the log-perplexity."""
    level = 1.0 + 0.1 * task.seed + len(task.arm.name) if value is None else value
    figure = lambda mean: {"value": mean, "resamples": [mean - 0.01, mean, mean + 0.01]}  # noqa: E731
    return {
        "study": plan.name,
        "arm": task.arm.name,
        "seed": task.seed,
        "asked": plan.asked(task.arm),
        "parameters": 10**6 * (1 + ORDER.index(task.arm.name)),
        "active_parameters": 10**5 * (1 + ORDER.index(task.arm.name)),
        "examples": dict.fromkeys(task.arm.on, 40),
        "data": dict.fromkeys(task.arm.on, "0123456789abcdef"),
        "figures": {
            name: {"log_perplexity": figure(level), "accuracy": figure(50.0 + level)}
            for name in task.arm.on
        },
        "curve": {name: {"50": level + 1, "100": level} for name in task.arm.on},
        "experts": {"encoder": {name: [0.5, 0.25, 0.25] for name in task.arm.on}},
    }


def command(plan: Plan, task: Task) -> list[str]:
    script = [sys.executable, "-m", "tests.studies.stub", str(plan.folder)]
    return [*script, task.arm.name, str(task.seed)]


def make(plan: Plan, task: Task) -> int:
    print("starting")
    fails = plan.folder / FAILS
    if fails.exists() and task.arm.name in fails.read_text().split():
        print("error: it does not work", file=sys.stderr)
        return 1

    def work():
        with open(plan.folder / "made", "a") as file:
            file.write(f"{task}\n")
        time.sleep(SECONDS)
        return row(plan, task)

    return make_once(plan, task, work)


def main() -> int:
    folder, *run = sys.argv[1:]
    work = plan(Path(folder))
    if run:
        return make(work, work.task(work.study.arm(run[0]), int(run[1])))
    Loop(work, lambda task: command(work, task), Console()).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
