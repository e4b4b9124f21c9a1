"""What a run records of its problems, and how two records differ."""

from collections.abc import Iterator
from typing import Any

from t2t_mm.problem.base import Problem


def describe(problem: Problem) -> dict[str, Any]:
    """What a resolved problem is made of, for JSON: both sides, the output space, fingerprints of
    vocabularies, and what it found in its data."""
    findings = problem.findings()
    return {
        "command": problem.command,
        "inputs": problem.inputs.record(),
        "targets": problem.targets.record(),
        **({"findings": findings} if findings else {}),
    }


def changes(problem: Problem, old: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields (what, how it differs) for what weights depend on and that is not as it was recorded:
    ("targets", "num_classes was 14 and is 13")."""
    new = describe(problem)
    if old["command"] != new["command"]:
        yield "command", f"{old['command']} then, {new['command']} now"
    for side in ("inputs", "targets"):
        essence = type(getattr(problem, side)).essence
        then, now = essence(old[side]), essence(new[side])
        changed = [name for name in now | then if then.get(name) != now.get(name)]
        if changed:
            yield (
                side,
                ", ".join(
                    f"{name} was {_short(then.get(name))} and is {_short(now.get(name))}"
                    for name in changed
                ),
            )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
