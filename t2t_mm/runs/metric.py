"""Which metrics the evaluations of a run give, for flags that name one: wmt_ende/log_perplexity."""

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

from t2t_mm import registry
from t2t_mm.errors import UserError

if TYPE_CHECKING:
    from t2t_mm.config.hparams import HParams
    from t2t_mm.problem.base import Problem

DECODED = "decoded_"  # before the name of a score of decoded text that is also a teacher-forced one


def check(
    metric: str,
    problems: "Sequence[Problem]",
    hparams: "HParams",
    decode_examples: int,
    flag: str,
) -> None:
    """Refuses a metric that no evaluation of these problems gives.

    Args:
        metric: the value of the flag, problem/metric.
        problems: those of the run.
        hparams: of the run.
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
    if is_decoded(problem, name, problem.evaluated_by(hparams), given) and not decode_examples:
        raise UserError(f"{given} is a score of decoded text: give --decode_examples=100.")


def is_decoded(problem: "Problem", name: str, forced: Sequence[str], given: str) -> bool:
    """Whether a metric of a problem is a score of decoded text.

    Args:
        problem: a problem.
        name: of the metric.
        forced: names of those that are measured without decoding.
        given: where the name was given, for errors.

    Raises:
        UserError: the problem isn't measured so.
        RegistryError: there is no such metric at all.
    """
    registry.find("metric", name.removeprefix(DECODED))
    texts = problem.measured_by if problem.targets.is_sequence else ()
    decoded = [beside(each, forced) for each in texts]
    if name not in (*forced, *decoded):
        raise UserError(f"{given}: {problem.name} is measured by {', '.join((*forced, *decoded))}.")
    return name not in forced


def beside(name: str, forced: Container[str]) -> str:
    """What a score of decoded text is called beside teacher-forced metrics."""
    return f"{DECODED}{name}" if name in forced else name
