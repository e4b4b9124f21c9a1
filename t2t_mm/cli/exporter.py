"""Writes a SavedModel of a trained model, or of some of its problems, for serving.

    t2t-mm-exporter --output_dir=output/mini8 --export_dir=export --problems=mini_ende+mini_imagenet

It has one signature per problem; inputs are strings, encoded pictures or WAV files. TensorFlow
Serving loads <export_dir>/<step>/. Loading it takes tensorflow and tensorflow_text.
"""

from typing import Any

from absl import flags

from t2t_mm import files, mixtures
from t2t_mm.cli import app, checkpoint, search
from t2t_mm.config import limits

FLAGS = app.new_flags()
flags.DEFINE_string("output_dir", None, "Directory of the training run.", flag_values=FLAGS)
checkpoint.define(FLAGS)
flags.DEFINE_string(
    "export_dir",
    None,
    "Where the SavedModel goes, in a folder named after the step.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "problems", None, "Problems to export, joined with +; all, if not given.", flag_values=FLAGS
)
search.define_beam_size(FLAGS)
flags.DEFINE_float(
    "alpha",
    0.6,
    "Length penalty of beam search.",
    lower_bound=0.0,
    upper_bound=limits.MOST_ALPHA,
    flag_values=FLAGS,
)
search.define_length(FLAGS)
flags.DEFINE_float(
    "drop_experts",
    None,
    "Leave out experts that get no more than this share of the positions of the problems' "
    "validation data; 0: those that are never reached. Needs --data_dir.",
    lower_bound=0.0,
    upper_bound=1.0,
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "data_dir",
    None,
    "Prepared data, for --drop_experts, and for --card if it is no longer where the run had it.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "card",
    False,
    "Also write card.md: data, training, metrics, limits and use, from the run's records.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "tokenized",
    False,
    "Texts will be sent as the data set has them: the words of a sentence to be parsed with spaces "
    "between.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "scores",
    False,
    "Also export signatures <problem>_score, of inputs and targets, which give the log-probability "
    "of the targets, where they have one: texts and classes.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "prefixes",
    False,
    "Also export signatures <problem>_continue, of inputs and prefixes, whose outputs begin with "
    "the prefixes.",
    flag_values=FLAGS,
)


def main() -> str:
    """The command's work."""
    app.need(FLAGS, "output_dir", "export_dir")
    names = list(mixtures.parse(FLAGS.problems)) if FLAGS.problems else None
    if FLAGS.drop_experts is not None and not FLAGS.data_dir:
        raise app.UsageError("--drop_experts needs --data_dir, where the data is prepared.")
    checkpoint.check(FLAGS)
    files.check_output_folder(FLAGS.export_dir, "export_dir")
    app.import_tensorflow()
    from t2t_mm import export
    from t2t_mm.decoding import Beam, Greedy
    from t2t_mm.export.card import card
    from t2t_mm.inference.run import RunPredictor
    from t2t_mm.reporting.preparing import size

    predictor = RunPredictor(FLAGS.output_dir, FLAGS.checkpoint)
    names = names or list(predictor.problems)
    if FLAGS.drop_experts is not None:
        predictor = _smaller(predictor, names)
    method = Beam(FLAGS.beam_size, FLAGS.alpha) if FLAGS.beam_size > 1 else Greedy()
    path = export.export(
        predictor,
        FLAGS.export_dir,
        names,
        method,
        FLAGS.decode_length,
        FLAGS.tokenized,
        FLAGS.scores,
        FLAGS.prefixes,
        card(predictor, names, FLAGS.data_dir or "") if FLAGS.card else "",
    )
    print(
        f"{path}: {size(export.size(path))}, step {predictor.step:,}, signatures {', '.join(names)}"
    )
    return str(path)


def _smaller(predictor: Any, names: list[str]) -> Any:
    """The predictor without the experts that may go; prints what that costs."""
    from t2t_mm.export.experts import without_idle
    from t2t_mm.reporting.console import Console

    for name in names:
        predictor.problems[name] = predictor.problem(name).located(FLAGS.data_dir)
    smaller, costs = without_idle(predictor, names, FLAGS.drop_experts)
    columns = ["problem", "split", "metric", "before", "after"]
    metric = {name: predictor.problems[name].teacher_forced[0] for name in names}
    title = (
        f"{smaller.hparams.moe_experts} of {predictor.hparams.moe_experts} experts are kept "
        "in each mixture"
    )
    rows = [[name, split, metric[name], *values] for (name, split), values in costs.items()]
    Console().table(title, columns, rows)
    return smaller


def entry() -> None:
    """The console script t2t-mm-exporter."""
    app.run(main, FLAGS)


if __name__ == "__main__":
    entry()
