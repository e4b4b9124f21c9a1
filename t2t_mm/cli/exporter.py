"""Writes a SavedModel of a trained model, or of some of its problems, for serving.

    t2t-mm-exporter --output_dir=output/mini8 --export_dir=export --problems=mini_ende+mini_imagenet

One signature a problem; inputs are strings, encoded pictures or WAV files. <export_dir>/<step>/ is what TensorFlow
Serving loads. Loading it takes tensorflow and tensorflow_text.
"""

from absl import flags

from t2t_mm import registry
from t2t_mm.cli import app

flags.DEFINE_string("output_dir", None, "Of the training run.")
flags.DEFINE_string("export_dir", None, "Where the SavedModel goes, in a folder named after the step.")
flags.DEFINE_string("problems", None, "Problems to export, joined with +; all, if not given.")
flags.DEFINE_integer("beam_size", 1, "Hypotheses of beam search; 1: greedy.", lower_bound=1)
flags.DEFINE_float("alpha", 0.6, "Length penalty of beam search.", lower_bound=0.0)
flags.DEFINE_integer("decode_length", 256, "Most symbols of an output.", lower_bound=1)


def main():
    """The command's work."""
    args = flags.FLAGS
    app.need("output_dir", "export_dir")
    names = list(registry.parse_problems(args.problems)) if args.problems else None
    app.import_tensorflow()
    from t2t_mm import export
    from t2t_mm.cli.preparing import size
    from t2t_mm.predictor import Predictor
    from t2t_mm.search import Beam, Greedy

    predictor = Predictor(args.output_dir)
    method = Beam(args.beam_size, args.alpha) if args.beam_size > 1 else Greedy()
    path = export.export(predictor, args.export_dir, names, method, args.decode_length)
    served = ", ".join(names or predictor.problems)
    print(f"{path}: {size(export.size(path))}, step {predictor.step:,}, signatures {served}")


def entry():
    """The console script t2t-mm-exporter."""
    app.run(main)


if __name__ == "__main__":
    entry()
