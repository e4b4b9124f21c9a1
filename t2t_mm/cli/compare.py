"""Shows runs side by side: the settings in which they differ, what they reached, and curves.

    t2t-mm-compare --runs=output/a,output/b --metrics=log_perplexity,accuracy --picture=curves

Reads what the runs have recorded so far; those that are still training can be compared, too. With
--picture it draws the evaluations of metrics.jsonl as curves: curves.png and curves.svg.
"""

import json

from absl import flags

from t2t_mm import files
from t2t_mm.cli import app, pictures

FLAGS = app.new_flags()
flags.DEFINE_list(
    "runs", [], "Output directories of the runs: output/a,output/b.", flag_values=FLAGS
)
flags.DEFINE_enum(
    "split",
    "validation",
    ["train", "validation", "test"],
    "Split whose evaluations are compared.",
    flag_values=FLAGS,
)
flags.DEFINE_list(
    "metrics", [], "Metrics to show: log_perplexity,accuracy; all, if not given.", flag_values=FLAGS
)
flags.DEFINE_list(
    "problems", [], "Problems to show, comma-separated; all, if not given.", flag_values=FLAGS
)
pictures.define(FLAGS, "Where curves are drawn to: this name with .png and .svg.")
flags.DEFINE_bool("json", False, "Print JSON.", flag_values=FLAGS)


def main() -> str | None:
    """The command's work."""
    app.need(FLAGS, "runs")
    picture = pictures.check(FLAGS.picture) if FLAGS.picture else None
    from t2t_mm.reporting import side_by_side
    from t2t_mm.reporting.comparison import Comparison, read
    from t2t_mm.reporting.console import Console

    runs = read(FLAGS.runs, FLAGS.split)
    comparison = Comparison(runs, FLAGS.split, FLAGS.metrics, FLAGS.problems)
    if FLAGS.json:
        found = files.without_nonfinite(side_by_side.as_json(comparison))
        print(json.dumps(found, indent=2))
    else:
        side_by_side.log(Console(), comparison)
    if picture:
        from t2t_mm.reporting.curves import draw

        told = pictures.write(picture, lambda form: draw(comparison, form))
        if not FLAGS.json:
            print(f"{told} show the curves.")
    return f"{picture}.png" if picture else None


def entry() -> None:
    """The console script t2t-mm-compare."""
    app.run(main, FLAGS)


if __name__ == "__main__":
    entry()
