"""The model card of an export: what the model was trained on and how, how well it does, what it
can't do, and how to use it. All of it is taken from the run's own records.

(Mitchell et al., "Model Cards for Model Reporting", arXiv 1810.03993, says what belongs there.)
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import t2t_mm
from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.inference.run import RunPredictor
from t2t_mm.problem import locate
from t2t_mm.problem.base import SPLITS, Problem
from t2t_mm.reporting.markdown import table
from t2t_mm.runs import history

FILE = "card.md"
# Metrics that are shares of examples, so that a binomial interval holds for them; of a class, so is
# its accuracy. What is counted by tokens, which depend on each other, or computed of a corpus
# (BLEU), has none here: t2t-mm-score gives it by bootstrap.
SHARES = ("accuracy_per_sequence", "exact_match")
NORMAL = 1.96  # 97.5% quantile


def card(predictor: RunPredictor, names: Sequence[str], data_dir: str = "") -> str:
    """The card of a run's model that is exported, in Markdown.

    Args:
        predictor: the model.
        names: the problems that are exported.
        data_dir: prepared data, whose sizes are told; that of the run, if not given.
    """
    config = predictor.output.recorded_config() or RunConfig()
    problems = [_located(predictor.problem(name), data_dir or config.data_dir) for name in names]
    parts = [
        f"# {predictor.output.path.resolve().name}",
        f"A {predictor.output.recorded_model()} that was trained for {predictor.step:,} steps on "
        f"{_count(len(predictor.problems), 'problem')} by T2T-MM {t2t_mm.__version__}; this export "
        f"answers {', '.join(f'`{name}`' for name in names)}.",
        "## Data",
        table(
            ("problem", "what it does", "reads → writes", *SPLITS, "licence of the data"),
            map(_data, problems),
        ),
        "## Validation",
        _metrics(predictor, problems, config),
        "## Training",
        table(("option", "value"), _settings(config.decisive())),
        "Hyperparameters, where they are not the defaults:",
        table(("hyperparameter", "value"), _settings(_changed(predictor.hparams))),
        "## Limits",
        "\n".join(f"- {line}" for line in _limits(problems)),
        "## Use",
        _use(problems[0]),
    ]
    return "\n\n".join(parts) + "\n"


def _located(problem: Problem, data_dir: str) -> Problem:
    """The problem with its data; as it is where that is no longer there."""
    try:
        return problem.located(data_dir)
    except UserError:
        return problem


def _data(problem: Problem) -> list[str]:
    there = problem.splits() if problem.folder_of_data else {}
    sizes = [f"{there[split]:,}" if split in there else "" for split in SPLITS]
    sides = f"{problem.inputs.kind} → {problem.targets.kind}"
    name, licence = f"`{problem.name}`", locate.licence(problem) or "not stated"
    return [name, problem.description, sides, *sizes, licence]


def _metrics(predictor: RunPredictor, problems: Sequence[Problem], config: RunConfig) -> str:
    """What the run's newest evaluation up to this step has found."""
    found = [
        each
        for each in history.read(predictor.output.path)
        if each.split == "validation" and each.step <= predictor.step
    ]
    if not found:
        return "No evaluation was recorded."
    newest, rows = found[-1], []
    for problem in problems:
        for name, value in newest.problems.get(problem.name, {}).items():
            unit = newest.units.get(name, "")
            shown = "not finite" if value is None else f"{value:,.4g}{unit}"
            rows.append([f"`{problem.name}`", name, shown, _interval(problem, name, value, config)])
    where = f"Of the evaluation at step {newest.step:,}"
    said = f"{where}; intervals are of 95%, over examples (Wilson), of what is a share of them."
    return f"{said}\n\n{table(('problem', 'metric', 'value', '95% interval'), rows)}"


def _interval(problem: Problem, name: str, value: float | None, config: RunConfig) -> str:
    is_share = name in SHARES or (name == "accuracy" and not problem.targets.is_sequence)
    size = problem.splits().get("validation", 0) if problem.folder_of_data else 0
    if name not in problem.teacher_forced:
        size = min(size, config.decode_examples)
    elif config.eval_steps:  # how many examples these batches held is not recorded
        size = 0
    if not is_share or not size or value is None:
        return ""
    low, high = wilson(value / 100, size)
    return f"{100 * low:.1f}% to {100 * high:.1f}%"


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95% interval of a share of `count` examples (Wilson, 1927)."""
    spread = NORMAL**2 / count
    middle = (share + spread / 2) / (1 + spread)
    half = NORMAL / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / count / 4)
    return max(0.0, middle - half), min(1.0, middle + half)


def _changed(hparams: HParams) -> dict[str, Any]:
    return {name: own for name, (own, _) in hparams.diff(type(hparams)()).items()}


def _settings(values: dict[str, Any]) -> list[list[str]]:
    return [[name, f"`{value!r}`"] for name, value in values.items()]


def _limits(problems: Sequence[Problem]) -> Iterable[str]:
    yield (
        "It was measured on validation data like its training data, and on nothing else: on other "
        "texts, pictures or sounds it may be wrong, and it does not say so."
    )
    if made := [problem.name for problem in problems if locate.is_built_in(problem)]:
        yield (
            f"The data of {', '.join(made)} is generated. A model of it knows nothing of the world "
            "beyond: it is for trying things out."
        )
    yield "Its scores are no probabilities of being right. Look at what it answers before you act."
    yield "A SavedModel is a program: load it only from where you trust it to come from."


def _use(problem: Problem) -> str:
    asked = problem.inputs.prompt if problem.has_inputs else "the beginning of the output"
    return f"""With the folder of this file, or the one above it:

```python
import t2t_mm

model = t2t_mm.load(folder)
model.predict("{problem.name}", {"value" if problem.has_inputs else "prefix=value"})  # {asked}
```

`t2t-mm-demo --export_dir=<folder>` opens a page on it, TensorFlow Serving loads the folder above,
and `tf.saved_model.load` needs tensorflow and tensorflow_text alone."""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
