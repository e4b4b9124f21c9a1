"""Writes a SavedModel of a trained model, or of some of its problems, for serving.

    t2t-mm-exporter --output_dir=output/mini8 --export_dir=export --problems=mini_ende+mini_imagenet

One signature a problem; inputs are strings, encoded pictures or WAV files. <export_dir>/<step>/ is
what TensorFlow Serving loads. Loading it takes tensorflow and tensorflow_text.
"""

from absl import flags

from t2t_mm import mixtures
from t2t_mm.cli import app
from t2t_mm.errors import UserError
from t2t_mm.runs.directory import OutputDir

flags.DEFINE_string("output_dir", None, "Of the training run.")
flags.DEFINE_string(
    "export_dir", None, "Where the SavedModel goes, in a folder named after the step."
)
flags.DEFINE_string("problems", None, "Problems to export, joined with +; all, if not given.")
flags.DEFINE_integer("beam_size", 1, "Hypotheses of beam search; 1: greedy.", lower_bound=1)
flags.DEFINE_float("alpha", 0.6, "Length penalty of beam search.", lower_bound=0.0)
flags.DEFINE_float(
    "drop_experts",
    None,
    "Leave out experts that get no more than this share of the positions of the problems' "
    "validation data; 0: those that are never reached. Needs --data_dir.",
    lower_bound=0.0,
    upper_bound=1.0,
)
flags.DEFINE_string("data_dir", None, "Prepared data, for --drop_experts.")
flags.DEFINE_integer("decode_length", 512, "Most symbols of an output.", lower_bound=1)


def main():
    """The command's work."""
    args = flags.FLAGS
    app.need("output_dir", "export_dir")
    names = list(mixtures.parse(args.problems)) if args.problems else None
    if args.drop_experts is not None and not args.data_dir:
        raise UserError("--drop_experts needs --data_dir, where the data is prepared.")
    OutputDir(args.output_dir).need_checkpoint()
    app.import_tensorflow()
    from t2t_mm import export
    from t2t_mm.decoding import Beam, Greedy
    from t2t_mm.inference.run import RunPredictor
    from t2t_mm.reporting.preparing import size

    predictor = RunPredictor(args.output_dir)
    names = names or list(predictor.problems)
    if args.drop_experts is not None:
        predictor = _smaller(predictor, names, args)
    method = Beam(args.beam_size, args.alpha) if args.beam_size > 1 else Greedy()
    path = export.export(predictor, args.export_dir, names, method, args.decode_length)
    print(
        f"{path}: {size(export.size(path))}, step {predictor.step:,}, signatures {', '.join(names)}"
    )


def _smaller(predictor, names, args):
    """Without the experts that may go; tells what that costs."""
    from t2t_mm.export.experts import without_idle
    from t2t_mm.reporting.console import Console

    for name in names:
        predictor.problems[name] = predictor.problem(name).located(args.data_dir)
    smaller, costs = without_idle(predictor, names, args.drop_experts)
    columns = ["problem", "split", "log_perplexity before", "after"]
    title = (
        f"{smaller.hparams.moe_experts} of {predictor.hparams.moe_experts} experts are kept "
        "in each mixture"
    )
    Console().table(title, columns, [[*key, *values] for key, values in costs.items()])
    return smaller


def entry():
    """The console script t2t-mm-exporter."""
    app.run(main)


if __name__ == "__main__":
    entry()
