"""Which metrics the evaluations of a run give, for flags that name one: wmt_ende/log_perplexity."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from t2t_mm import registry
from t2t_mm.errors import UserError

if TYPE_CHECKING:
    from t2t_mm.problem.base import Problem

DECODED = "decoded_"  # before the name of a score of decoded text that is also a teacher-forced one


def check(metric: str, problems: "Sequence[Problem]", decode_examples: int, flag: str) -> None:
    """Refuses a metric that no evaluation of these problems gives.

    Args:
        metric: the value of the flag, problem/metric.
        problems: those of the run.
        decode_examples: how many examples an evaluation decodes.
        flag: the flag's name, for errors.

    Raises:
        UserError: there is no such problem, or it isn't measured so.
        RegistryError: there is no such metric at all.
    """
    given = f"{flag}={metric}"
    wanted, slash, name = metric.partition("/")
    if not (wanted and slash and name):
        raise UserError(f"{given} is not problem/metric, as in wmt_ende/log_perplexity.")
    named = {problem.name: problem for problem in problems}
    if wanted not in named:
        raise UserError(f"{given} names no problem of this run: {', '.join(named)}.")
    problem = named[wanted]
    forced = problem.teacher_forced
    decoded = problem.measured_by if problem.targets.is_sequence else ()
    registry.find("metric", name.removeprefix(DECODED))
    if name not in forced and name.removeprefix(DECODED) not in decoded:
        raise UserError(
            f"{given}: {wanted} is measured by {', '.join(dict.fromkeys((*forced, *decoded)))}."
        )
    if name not in forced and not decode_examples:
        raise UserError(f"{given} is a score of decoded text: give --decode_examples=100.")
