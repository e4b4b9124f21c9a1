"""What the trainer tells at the start: what a batch means for each problem, and where the
parameters are."""

import contextlib

import keras
import tensorflow as tf

from t2t_mm.data.pipeline.summary import describe
from t2t_mm.training.step import device_name


def tell_versions(console, replicas=None):
    """One line: device and versions."""
    shared = f"; {replicas}" if replicas and replicas.count > 1 else ""
    console.log(
        f"Device: {device_name()}{shared}; TensorFlow {tf.__version__}, Keras {keras.__version__}"
    )


def tell_hparams(console, hparams, defaults, set_name, output_dir):
    """What differs from the named set, and where the whole is."""
    changed = ", ".join(f"{name}={new}" for name, (new, _) in hparams.diff(defaults).items())
    console.log(
        f"Hparams: {set_name}{', with ' + changed if changed else ''} (all in "
        f"{output_dir}/hparams.json)"
    )


def check_lengths(problems, hparams):
    """Raises a UserError where all examples are too long to be trained on: reading them would never
    end."""
    for problem in problems:
        describe(problem, hparams, scan=2000)


def tell_problems(console, problems, rates, hparams):
    """A table of what each problem is and how it is batched and mixed."""
    rows = []
    for problem, rate in zip(problems, rates, strict=True):
        batch = describe(problem, hparams, scan=2000)
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


def tell_parameters(console, parts, frozen=0):
    """A table of parameters, largest part first; `frozen` of them are not trained."""
    total = sum(parts.values())
    rows = [
        [part, count, f"{count / total:.1%}"]
        for part, count in sorted(parts.items(), key=lambda p: -p[1])
    ]
    rows += [
        ["total", total, ""],
        *([["of these frozen", frozen, f"{frozen / total:.1%}"]] if frozen else []),
    ]
    console.table("Parameters", ["part", "parameters", "share"], rows)


def tell_shares(console, totals, rates):
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


@contextlib.contextmanager
def dtype_policy(precision):
    """The dtypes of layers made within: "float32", or "bfloat16" (computation; weights stay
    float32)."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy({"float32": "float32", "bfloat16": "mixed_bfloat16"}[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def make_deterministic():
    """Has TensorFlow choose operations that give the same bits each time. Before anything is
    built."""
    tf.random.set_seed(0)
    tf.config.experimental.enable_op_determinism()
