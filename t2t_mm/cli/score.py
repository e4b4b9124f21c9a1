"""Scores decoded text against references, one example a line.

    t2t-mm-score --metrics=bleu,chrf --hypotheses=decoded.txt --references=test.de
    t2t-mm-score --problem=wsj_parse --hypotheses=parsed.mrg --references=test.mrg --bootstrap=1000
    t2t-mm-score --metrics=cider --hypotheses=captions.txt --references=ref0.txt,ref1.txt,ref2.txt
    --json

A figure is printed with its signature: figures compare only where their signatures are the same.
BLEU and chrF are sacrebleu's. Figures are percentages, but cider, which goes to 10.
"""

import dataclasses
import json

from absl import flags

from t2t_mm import registry
from t2t_mm.cli import app
from t2t_mm.errors import UserError

flags.DEFINE_list("metrics", [], "Metrics: bleu,chrf. A name that is none gets the list of them.")
flags.DEFINE_string("problem", None, "A problem whose metrics are meant, instead of --metrics.")
flags.DEFINE_string(
    "hypotheses", None, "File of decoded text, one example a line; .gz is read too."
)
flags.DEFINE_multi_string(
    "references",
    [],
    "File of references, line by line those of the hypotheses. Several files, joined with commas "
    "or "
    "in several flags, give each example several references",
)
flags.DEFINE_integer(
    "bootstrap", 0, "Resamples for a 95% interval, such as 1000; 0 for none.", lower_bound=0
)
flags.DEFINE_integer(
    "seed", 12345, "Seed of the resamples; one seed resamples all systems alike.", lower_bound=0
)
flags.DEFINE_bool("json", False, "Print JSON.")


def main():
    """The command's work."""
    args = flags.FLAGS
    app.need("hypotheses", "references")
    metrics = _metrics(args.metrics, args.problem)
    hypotheses, references = _read(args.hypotheses, ",".join(args.references).split(","))
    scores = [
        metric.score(hypotheses, references, bootstrap=args.bootstrap, seed=args.seed)
        for metric in metrics
    ]
    if args.json:
        print(json.dumps(_as_json(scores, len(hypotheses), args), indent=2))
    else:
        _show(scores, len(hypotheses), args)


def _metrics(names, problem):
    from t2t_mm.evaluation.metrics.scoring import metric_of_text, metrics_of_text

    if names and problem:
        raise UserError("Give --metrics or --problem, not both.")
    if problem:
        names = registry.problem(problem).metrics
        if not names:
            raise UserError(
                f"{problem} names no metrics of decoded text; choose with "
                f"--metrics={','.join(metrics_of_text())}."
            )
    if not names:
        raise UserError("Give --metrics, such as --metrics=bleu,chrf, or --problem.")
    return [metric_of_text(name) for name in dict.fromkeys(names)]


def _read(hypotheses, references):
    """The hypotheses, and for each of them the list of its references.

    Raises:
        UserError: a file cannot be read, is empty, is not UTF-8, or has another number of lines.
    """
    texts = {path: _lines(path) for path in [hypotheses, *references]}
    for path, lines in texts.items():
        if len(lines) != len(texts[hypotheses]):
            raise UserError(
                f"{hypotheses} has {len(texts[hypotheses]):,} lines, but {path} has "
                f"{len(lines):,}: "
                "line by line they must tell of the same examples."
            )
    return texts[hypotheses], [
        list(several) for several in zip(*(texts[path] for path in references), strict=True)
    ]


def _lines(path):
    from t2t_mm import files

    lines = []
    for number, line in files.lines(path):
        lines.append(files.text(line))
        if lines[-1] is None:
            raise UserError(f"{path}, line {number}: not UTF-8.")
    if not lines:
        raise UserError(f"{path} is empty.")
    return lines


def _as_json(scores, examples, args):
    resampling = {"bootstrap": args.bootstrap, "seed": args.seed} if args.bootstrap else {}
    return {
        "examples": examples,
        **resampling,
        "metrics": {score.name: dataclasses.asdict(score) for score in scores},
    }


def _show(scores, examples, args):
    from t2t_mm.reporting.console import Console

    columns = [
        "metric",
        "value",
        *(["95% interval"] if args.bootstrap else []),
        "better",
        "signature",
    ]
    console = Console()
    console.table(
        f"{args.hypotheses}: {examples:,} examples", columns, [_row(score) for score in scores]
    )
    for score in scores:
        if score.details:
            told = (f"{name} {_number(value)}" for name, value in score.details.items())
            console.log(f"{score.name}: {', '.join(told)}")
    if args.bootstrap:
        console.log(
            f"Intervals: {args.bootstrap:,} bootstrap resamples of the examples, seed {args.seed}."
        )


def _row(score):
    interval = ["{:.4f} to {:.4f}".format(*score.interval)] if score.interval else []
    better = "higher" if score.higher_is_better else "lower"
    return [score.name, score.value, *interval, better, score.signature]


def _number(value):
    return f"{value:.4f}" if isinstance(value, float) else f"{value:,}"


def entry():
    """The console script t2t-mm-score."""
    app.run(main)


if __name__ == "__main__":
    entry()
