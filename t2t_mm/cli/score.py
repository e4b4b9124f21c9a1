"""Scores decoded text against references, one example per line.

    t2t-mm-score --metrics=bleu,chrf --hypotheses=decoded.txt --references=test.de
    t2t-mm-score --problem=wsj_parse --hypotheses=parsed.mrg --references=test.mrg --bootstrap=1000
    t2t-mm-score --metrics=cider --hypotheses=captions.txt --references=first.txt,second.txt --json

A score is printed with its signature: scores are comparable only if their signatures are equal.
BLEU and chrF are sacrebleu's. Figures are percentages, except for cider, which goes to 10.
"""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from absl import flags

from t2t_mm import files, registry
from t2t_mm.cli import app
from t2t_mm.config import limits
from t2t_mm.errors import UserError

FLAGS = app.new_flags()
flags.DEFINE_list(
    "metrics",
    [],
    "Metrics: bleu,chrf; --registry_help lists them.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "problem", None, "Problem whose metrics to use, instead of --metrics.", flag_values=FLAGS
)
flags.DEFINE_string(
    "hypotheses",
    None,
    "File of decoded text, one example per line; .gz is read too.",
    flag_values=FLAGS,
)
flags.DEFINE_multi_string(
    "references",
    [],
    "File of references, aligned by line with the hypotheses. Several files, joined with commas "
    "or in several flags, give each example several references.",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "bootstrap",
    0,
    "Resamples for a 95% interval, such as 1000; 0: no interval.",
    lower_bound=0,
    upper_bound=10**6,
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "seed",
    12345,
    "Random seed of the resamples; with one seed all systems are resampled alike.",
    lower_bound=0,
    upper_bound=limits.INT32,
    flag_values=FLAGS,
)
flags.DEFINE_bool("json", False, "Print JSON.", flag_values=FLAGS)


def main() -> None:
    """The command's work."""
    app.need(FLAGS, "hypotheses", "references")
    metrics = _metrics(FLAGS.metrics, FLAGS.problem)
    hypotheses, references = _read(FLAGS.hypotheses, ",".join(FLAGS.references).split(","))
    scores = [
        metric.score(hypotheses, references, bootstrap=FLAGS.bootstrap, seed=FLAGS.seed)
        for metric in metrics
    ]
    if FLAGS.json:
        found = files.without_nonfinite(_as_json(scores, len(hypotheses)))
        print(json.dumps(found, indent=2))
    else:
        _show(scores, len(hypotheses))


def _metrics(names: Sequence[str], problem: str | None) -> list[Any]:
    from t2t_mm.evaluation.metrics.scoring import metric_of_text, metrics_of_text

    if names and problem:
        raise app.UsageError("Give --metrics or --problem, not both.")
    if problem:
        names = registry.problem(problem).metrics
        if not names:
            raise UserError(
                f"{problem} names no metrics of decoded text; choose with "
                f"--metrics={','.join(metrics_of_text())}."
            )
    if not names:
        raise app.UsageError("Give --metrics, such as --metrics=bleu,chrf, or --problem.")
    return [metric_of_text(name) for name in dict.fromkeys(names)]


def _read(hypotheses: str, references: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """The hypotheses, and for each of them the list of its references.

    Raises:
        UserError: a file cannot be read, is empty, is not UTF-8, or has another number of lines.
    """
    texts = {path: _lines(path) for path in [hypotheses, *references]}
    for path, lines in texts.items():
        if len(lines) != len(texts[hypotheses]):
            raise UserError(
                f"{hypotheses} has {len(texts[hypotheses]):,} lines, but {path} has "
                f"{len(lines):,}: line by line they have to be of the same examples."
            )
    return texts[hypotheses], [
        list(several) for several in zip(*(texts[path] for path in references), strict=True)
    ]


def _lines(path: str) -> list[str]:
    lines: list[str] = []
    for number, line in files.lines(path):
        if wrong := files.fault(line):
            raise UserError(f"{path}, line {number}: {wrong}.")
        lines.append(line.decode("utf-8"))
    if not lines:
        raise UserError(f"{path} is empty.")
    return lines


def _as_json(scores: list[Any], examples: int) -> dict[str, Any]:
    resampling = {"bootstrap": FLAGS.bootstrap, "seed": FLAGS.seed} if FLAGS.bootstrap else {}
    return {
        "examples": examples,
        **resampling,
        "metrics": {score.name: dataclasses.asdict(score) for score in scores},
    }


def _show(scores: list[Any], examples: int) -> None:
    from t2t_mm.evaluation.metrics.scoring import in_words
    from t2t_mm.reporting.console import Console

    interval = ["95% interval"] if FLAGS.bootstrap else []
    columns = ["metric", "value", "unit", *interval, "better", "signature"]
    console = Console()
    console.table(
        f"{FLAGS.hypotheses}: {examples:,} examples", columns, [_row(score) for score in scores]
    )
    for score in scores:
        if score.details:
            console.log(f"{score.name}: {in_words(score.details)}")
        if score.by_label:
            columns = ["label", *next(iter(score.by_label.values()))]
            rows = [[label, *figures.values()] for label, figures in score.by_label.items()]
            console.table(f"{score.name} by label", columns, rows)
    if FLAGS.bootstrap:
        console.log(
            f"Intervals: {FLAGS.bootstrap:,} bootstrap resamples of the examples, seed "
            f"{FLAGS.seed}."
        )


def _row(score: Any) -> list[Any]:
    interval = ["{:.4f} to {:.4f}".format(*score.interval)] if score.interval else []
    better = "higher" if score.higher_is_better else "lower"
    return [score.name, score.value, score.unit, *interval, better, score.signature]


def entry() -> None:
    """The console script t2t-mm-score."""
    app.run(main, FLAGS)


if __name__ == "__main__":
    entry()
