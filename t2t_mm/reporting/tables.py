"""What the trainer prints at the start and at the end: the device, hparams, what a batch is for
each problem, where the parameters are, how often each problem was trained."""

from collections.abc import Iterable, Mapping, Sequence

import keras
import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.data.pipeline.summary import describe
from t2t_mm.execution.replicas import Replicas
from t2t_mm.execution.strategies import device_name
from t2t_mm.reporting.console import Console

SCANNED = 2000  # examples of each problem, from which lengths are estimated


def log_versions(console: Console, replicas: Replicas) -> None:
    """One line: device and versions."""
    shared = f"; {replicas}" if replicas.count > 1 else ""
    console.log(
        f"Device: {device_name()}{shared}; TensorFlow {tf.__version__}, Keras {keras.__version__}"
    )


def log_hparams(
    console: Console, hparams: HParams, defaults: HParams, set_name: str, output_dir: str
) -> None:
    """One line: what differs from the named set, and where all hparams are recorded."""
    changed = ", ".join(f"{name}={new}" for name, (new, _) in hparams.diff(defaults).items())
    console.log(
        f"Hparams: {set_name}{', with ' + changed if changed else ''} (all in "
        f"{output_dir}/hparams.json)"
    )


def check_lengths(problems: Iterable, hparams: HParams) -> None:
    """Raises a UserError where all examples are too long to be trained on: reading them would never
    end."""
    for problem in problems:
        describe(problem, hparams, scan=SCANNED)


def log_problems(
    console: Console, problems: Sequence, rates: Iterable[float], hparams: HParams
) -> None:
    """A table of what each problem is and how it is batched and mixed."""
    rows = []
    for problem, rate in zip(problems, rates, strict=True):
        batch = describe(problem, hparams, scan=SCANNED)
        fewest, most = batch.batch_examples
        dropped = batch.dropped / batch.scanned
        rows.append(
            [
                problem.name,
                f"{problem.inputs.kind} → {problem.targets.kind}",
                batch.examples,
                f"{rate:.1%}",
                f"{fewest}" if fewest == most else f"{fewest}–{most}",
                round(batch.batch_tokens),
                round(batch.positions),
                round(batch.length),
                f"{dropped:.1%}" if dropped else "",
            ]
        )
    columns = [
        "problem",
        "modalities",
        "examples",
        "of steps",
        "examples/batch",
        "targets/batch",
        "input positions",
        "target tokens",
        "too long",
    ]
    console.table(
        f"Problems (a batch of {hparams.batch_size:,} target positions, bucketed by length)",
        columns,
        rows,
    )


def log_parameters(console: Console, parts: Mapping[str, int], frozen: int = 0) -> None:
    """A table of the number of parameters of each part, the largest first; `frozen` of them are not
    trained."""
    total = sum(parts.values())
    rows = [
        [part, count, f"{count / total:.1%}"]
        for part, count in sorted(parts.items(), key=lambda p: -p[1])
    ]
    rows.append(["total", total, ""])
    if frozen:
        rows.append(["of these frozen", frozen, f"{frozen / total:.1%}"])
    console.table("Parameters", ["part", "parameters", "share"], rows)


def log_shares(
    console: Console, totals: Mapping[str, Sequence[float]], rates: Mapping[str, float]
) -> None:
    """A table of the steps and target tokens that each problem got since the start, beside its
    share of the mixture.

    Args:
        totals: {problem: [steps, tokens]}.
        rates: {problem: wanted share of the steps}.
    """
    steps, tokens = (sum(total[i] for total in totals.values()) for i in range(2))
    rows = [
        [
            name,
            count,
            f"{count / steps:.1%}",
            f"{rates[name]:.1%}",
            int(read),
            f"{read / tokens:.1%}",
        ]
        for name, (count, read) in totals.items()
    ]
    columns = ["problem", "steps", "of steps", "mixture", "target tokens", "of tokens"]
    console.table("Trained in this run", columns, rows)
